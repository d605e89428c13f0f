"""A small generated web with known truth: WARCs, images, answers. `build` writes it, `demo.server.serve` serves its images."""

from demo.web import DemoError, DemoWeb, build, open_web

__all__ = ["DemoError", "DemoWeb", "build", "open_web"]
