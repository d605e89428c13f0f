"""The fuzzing process: instruments what it imports, then never returns."""

from __future__ import annotations

import os
import sys

import atheris

os.environ.setdefault("OMP_NUM_THREADS", "1")
with atheris.instrument_imports(include=["pipelines", "filters", "schemas"]):
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
