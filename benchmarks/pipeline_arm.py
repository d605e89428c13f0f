"""One run in a process of its own, measured: `python -m benchmarks.pipeline_arm CONFIG RUN WORKERS (beam|loop) CORES [FETCHED]`; one
line of JSON. CORES, such as 0,1, are those it may use ("all": all); FETCHED is a run whose fetch stage it takes over.

CPU seconds are those of the whole tree of processes, by stage. Children that outlive their parents come to this process (a
subreaper) and stay as zombies with their times, so that nothing is missed, whichever way a worker or a guarded child ended.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import time
from contextlib import nullcontext, suppress
from typing import Any

from pipelines.cpu import tree_cpu

PR_SET_CHILD_SUBREAPER = 36


def peak_mb() -> float:
    """Peak resident memory of this process alone, since the last call (or since its start, where the kernel does not forget)."""
    with open("/proc/self/status", encoding="ascii") as f:
        peak = next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) / 1024
    with suppress(OSError), open("/proc/self/clear_refs", "w", encoding="ascii") as f:
        f.write("5")
    return peak


def main(config_path: str, run: str, workers: int, how: str, cores: str, fetched: str = "") -> dict[str, Any]:
    if cores != "all":
        usable = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, [usable[int(i)] for i in cores.split(",")])
    if fetched:
        shutil.copytree(f"{fetched}/stages/fetch", f"{run}/stages/fetch", copy_function=os.link)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    from pipelines.nursery import THE_NURSERY
    from pipelines.run import Events, run_stages
    from pipelines.settings.config import load
    from pipelines.stage import Outcome
    from weft.verbs.run import finish

    config = load(config_path, [f"runner.workers={workers}"])
    if how == "loop":
        from benchmarks.pipeline_loop import plain_loop
    else:
        plain_loop = nullcontext
    if workers > 1:
        THE_NURSERY.open()
    import pipelines.beam  # noqa: F401 (all arms import it, and so does the nursery; the clock starts behind that)

    stages: dict[str, dict[str, float]] = {}
    began, first = time.monotonic(), tree_cpu()
    mark = [first]

    def finished(name: str, outcome: Outcome) -> None:
        now = tree_cpu()
        stages[name] = {"wall": round(outcome.seconds, 3), "cpu": round(now - mark[0], 3), "driver_mb": round(peak_mb(), 1)}
        mark[0] = now
        print(f"  {name}: {json.dumps(stages[name])}", file=sys.stderr, flush=True)

    with plain_loop():
        outcomes = run_stages(run, config, events=Events(finished=finished))
    finish(run, outcomes)
    out = {
        "how": how,
        "workers": workers,
        "wall": time.monotonic() - began,
        "cpu": tree_cpu() - first,
        "driver_mb": max(peak_mb(), *(s["driver_mb"] for s in stages.values())),
        "stages": stages,
    }
    extract = outcomes["extract"].done.manifest
    return out | {"pages": extract.counts["documents"].entered, "requests": outcomes["fetch"].done.manifest.counts["image_urls"].entered}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])), flush=True)
