"""Memory and time of growing and of lopsided inputs: the whole chain on a small web and on one many times as large.

    python -m tests.faults.soak [--pages N] [--times T] [--workers W] [--lopsided N] [--folder DIR]

Two questions, each answered by runs of the demo pipeline (CLIP and all) in processes of their own:

1. Does any process need more memory for T times the input? The peak (VmHWM) of every process of the run is read several times a
   second; the largest of each kind (driver, worker, guarded child) is compared. Units and buckets are small, so that the small
   web has several a worker, as the large one does.
2. Is a web of which one site holds half the pages slower than an even one?

One line of JSON a run and one with the verdict; exit code 1 if a limit is broken.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults import golden
from tests.faults.kills import members

GROWTH = 1.10  # of a process's peak memory from the small web to the large one
WORKER_MB = 1536
LOPSIDED = 1.3
EVERY_S = 0.2
UNITS = ["input.unit_bytes=131072", "fetch.urls_per_bucket=200", "dedup.buckets=8"]


def peak_mb(pid: int) -> float:
    """The most resident memory that a process has had; 0 if it is gone."""
    with suppress(OSError, StopIteration), open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024
    return 0.0


def measured(folder: Path, pages: int, workers: int, hot: float = 0.0, overrides: list[str] = UNITS) -> dict[str, Any]:
    """One run on a web of its own: seconds, CPU seconds, peaks in MB by kind of process, what it made, what was wrong."""
    from demo import build
    from demo.server import serve

    web, run = build(folder / "web", pages, 7, hot), folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    with serve(web) as server:
        command = [sys.executable, "-m", "tests.faults.chain", str(folder / "web"), str(server.port), str(run), str(workers), *overrides]
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        process = subprocess.Popen(command, start_new_session=True)
        peaks: dict[str, float] = {}
        while True:
            for pid, what in {**members(process.pid), process.pid: "driver"}.items():
                peaks[what] = max(peaks.get(what, 0.0), peak_mb(pid))
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(EVERY_S)
                break
        took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    wrong = [] if code == 0 else [f"exit code {code}"]
    wrong += [f"books: {x}" for x in golden.unbalanced(run)]
    shards = list((run / "shards").glob("*.tar"))
    return {
        "pages": pages, "workers": workers, "hot": hot, "seconds": round(took, 1),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": {k: round(v) for k, v in sorted(peaks.items())}, "shards": len(shards), "shard_mb": round(sum(s.stat().st_size for s in shards) / 1e6), "wrong": wrong,
    }  # fmt: skip


def growth(small: dict[str, Any], large: dict[str, Any]) -> list[str]:
    """What grew beyond the limits."""
    out = []
    for what, mb in large["peak_mb"].items():
        at_first = small["peak_mb"].get(what, 0)
        if at_first and mb > GROWTH * at_first:
            out.append(f"{what}: {at_first} MB at {small['pages']:,} pages, {mb} MB at {large['pages']:,}: {mb / at_first:.2f} times")
        if mb > WORKER_MB:
            out.append(f"{what}: {mb} MB, more than {WORKER_MB}")
    return out


def campaign(folder: Path, pages: int, times: int, workers: int, lopsided: int) -> dict[str, Any]:
    """All runs, each said as it ends; the verdict."""

    def one(name: str, n: int, hot: float = 0.0) -> dict[str, Any]:
        row = measured(folder / name, n, workers, hot)
        print(json.dumps(row), file=sys.stderr, flush=True)
        shutil.rmtree(folder / name, ignore_errors=True)
        return row

    wrong: list[str] = []
    said: dict[str, Any] = {"workers": workers}
    if times > 1:
        small, large = one("small", pages), one("large", pages * times)
        wrong += small["wrong"] + large["wrong"] + growth(small, large)
        said |= {
            "pages": [small["pages"], large["pages"]],
            "peak_mb": [small["peak_mb"], large["peak_mb"]],
            "cpu_s": [small["cpu_s"], large["cpu_s"]],
        }
    if lopsided:
        even, hot = one("even", lopsided), one("hot", lopsided, 0.5)
        slower = hot["seconds"] / even["seconds"]
        wrong += even["wrong"] + hot["wrong"] + ([f"half the pages on one site: {slower:.2f} times as long"] if slower > LOPSIDED else [])
        said |= {"lopsided_pages": lopsided, "lopsided": round(slower, 3), "lopsided_cpu": round(hot["cpu_s"] / even["cpu_s"], 3)}
    return said | {"wrong": wrong}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--times", type=int, default=100, help="the large web has so many times the pages (default: 100; 1: leave it out)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--lopsided", type=int, default=5000, help="pages of the even and the lopsided web (default: 5000; 0: leave them out)"
    )
    parser.add_argument(
        "--folder", type=Path, default=None, help="where webs and runs are made (default: a temporary folder; 50,000 pages take 3 GB)"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as scratch:
        row = campaign(Path(scratch), args.pages, args.times, args.workers, args.lopsided)
    print(json.dumps(row))
    return int(bool(row["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
