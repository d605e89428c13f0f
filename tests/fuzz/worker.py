"""The fuzzing process: instruments what it imports, then never returns."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[2]


def compiled() -> list[str]:
    """Modules with loops that numba compiles: it cannot compile what has been instrumented."""
    paths = [p for folder in ("pipelines", "filters") for p in (ROOT / folder).rglob("*.py")]
    return [
        ".".join(p.relative_to(ROOT).with_suffix("").parts)
        for p in paths
        if any(s in p.read_text("utf-8") for s in ("@compiled", "numba.njit"))
    ]


os.environ.setdefault("OMP_NUM_THREADS", "1")
with atheris.instrument_imports(include=["pipelines", "filters", "schemas"], exclude=compiled()):
    import filters.registry
    import pipelines.images.header
    import pipelines.settings.config
    import pipelines.shards.check
    import pipelines.web.charset
    import pipelines.web.fetch.addresses
    import pipelines.web.fetch.robots
    import pipelines.web.fetch.tdmrep
    import pipelines.web.http
    import pipelines.web.page
    import pipelines.web.pii
    import pipelines.web.urls
    import pipelines.web.warc  # noqa: F401
    import schemas.manifest  # noqa: F401

    filters.registry.rules()

from tests.fuzz.targets import TARGETS  # noqa: E402


def main() -> None:
    target = TARGETS[sys.argv[1]].run
    for seed in TARGETS[sys.argv[1]].seeds():
        target(seed)  # lists and models are loaded before an input is timed
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
