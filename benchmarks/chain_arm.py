"""One arm of `benchmarks.chain` in a process of its own: `python -m benchmarks.chain_arm (ours|trafilatura|floor) PAGES OUT PASSES`; one line of
JSON. PAGES is an archive; OUT a folder to write to. A pass before the timed ones is not counted."""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.peers import look_in_peers, versions
from pipelines.cpu import tree_cpu

Seconds = dict[str, float]  # CPU seconds of a pass until documents were judged, and until they had signatures


def one_core() -> None:
    """This process and what it starts stay on one core."""
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])


def peak_mb() -> float:
    """Peak resident memory of this process and of the largest child that has ended."""
    return sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024


def ours(out: Path) -> tuple[Callable[[Path, str], Seconds], Callable[[], None], Callable[[], int]]:
    """A pass over an archive; what ends the guarded child; documents kept in the last pass."""
    import tomllib
    from types import SimpleNamespace
    from typing import cast

    from pipelines import storage
    from pipelines.dedup.work import Work
    from pipelines.settings.config import Config
    from pipelines.stage import Done
    from pipelines.stages.dedup import Prepare
    from pipelines.stages.extract import guard
    from pipelines.web import inputs
    from pipelines.web.unit_work import read_unit
    from schemas import layout

    raw = tomllib.loads((Path(__file__).resolve().parents[1] / "configs" / "obelics.toml").read_text("utf-8"))
    kept = [0]

    def once(warc: Path, name: str) -> Seconds:
        config = Config.model_validate({**raw, "input": {**raw.get("input", {}), "paths": [str(warc)]}})
        root = str(out / name)
        begin = tree_cpu() or 0.0
        units = inputs.units(config.input)
        written = [read_unit(unit, root, config, guard(config))[0] for unit in units]
        judged = tree_cpu() or 0.0
        kept[0] = sum(part.rows for tables in written for table, part in tables if table == "documents")
        files = {part.path for tables in written for _, part in tables}

        def path(table: str, part: str) -> str | None:
            relative = layout.table_file(table, part)
            return storage.join(root, relative) if relative in files else None

        names = tuple(unit.name for unit in units)
        prepare = Prepare(Work(str(out / f"{name}-dedup"), cast(Done, SimpleNamespace(path=path)), config.dedup, names, ("00000",)))
        for unit in names:
            prepare(unit)
        return {"judged": judged - begin, "signatures": (tree_cpu() or 0.0) - begin}

    def end() -> None:
        from pipelines.stages.extract import _guards

        _guards.guard.close()

    return once, end, lambda: kept[0]


def pages_of(warc: Path) -> Iterator[tuple[bytes, str]]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with open(warc, "rb") as f:
        for record in ArchiveIterator(f, record_types=WarcRecordType.response, parse_http=True):
            yield record.reader.read(), record.headers["WARC-Target-URI"]


def bare(name: str) -> Callable[[Path, str], Seconds]:
    """A loop in which nothing is judged."""
    if name == "trafilatura":
        from trafilatura import extract

        def read(html: bytes, url: str) -> Any:
            return extract(html.decode("utf-8", "replace"), url=url, fast=True)
    else:
        from benchmarks.extract import parse_and_walk as read

    def once(warc: Path, _: str) -> Seconds:
        begin = time.process_time()  # of one process, so to the microsecond: a tree is told in ticks
        for html, url in pages_of(warc):
            read(html, url)
        return {"judged": time.process_time() - begin}

    return once


def main(name: str, pages: str, out: str, passes: int) -> dict[str, Any]:
    one_core()
    look_in_peers()
    once, end, kept = ours(Path(out)) if name == "ours" else (bare(name), lambda: None, lambda: 0)
    once(Path(pages), "before")
    if name == "ours":
        gc.collect()
        gc.freeze()  # as in a worker, which is forked from a process that has loaded everything (pipelines/nursery.py)
    took = [once(Path(pages), str(i)) for i in range(passes)]
    end()
    return {
        **{what: [t[what] for t in took] for what in took[0]},
        "kept": kept(),
        "rss_mb": peak_mb(),
        "versions": versions(["trafilatura"] if name == "trafilatura" else []),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))), flush=True)
