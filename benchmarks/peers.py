"""What the benchmarks share: where peers and real input are looked for, versions, the printed row."""

from __future__ import annotations

import importlib
import importlib.metadata
import json as jsonlib
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any


def look_in_peers() -> None:
    """WEFT_PEERS names a site-packages folder where peers may lie; it is searched last, so that our own versions win."""
    if folder := os.environ.get("WEFT_PEERS"):
        sys.path.append(folder)


def real_data(given: str | None = None) -> Path:
    """The folder of real pages and pictures: the one given, WEFT_DATA, or `shared/data` beside the checkout (it need not exist)."""
    return Path(given or os.environ.get("WEFT_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


def peer(name: str) -> Any:
    """The module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def versions(names: Iterable[str]) -> dict[str, str]:
    """Of those that are installed."""
    out = {}
    for name in names:
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def cpu_seconds(work: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads: what a busy machine does not change much."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def seconds(work: Callable[[], Any]) -> float:
    """Seconds on the wall clock: for work that other processes do too."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def rates(
    cases: dict[str, tuple[int, Callable[[], Any]]], rounds: int = 3, clock: Callable[[Callable[[], Any]], float] = cpu_seconds
) -> dict[str, float]:
    """Items per second of each case (items, work): the median over alternating rounds."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, (_, work) in cases.items():
            found[name].append(clock(work))
    return {name: items / statistics.median(found[name]) for name, (items, _) in cases.items()}


def row(case: str, peer_name: str, ours: float, unit: str, ratio: float | None, floor: float | None, note: str = "") -> dict[str, Any]:
    """One line of a benchmark's answer; `ok` is added by `show`."""
    return {"case": case, "peer": peer_name, "ours": ours, "unit": unit, "ratio": ratio, "floor_ratio": floor, "note": note}


def show(rows: Sequence[dict[str, Any]], packages: Iterable[str], json: bool) -> int:
    """Print the rows; 1 if a ratio is below its floor. A row without ratio or floor is never below."""
    used, rss = versions(packages), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for r in rows:
        r.setdefault("peak_rss_mb", rss)
        r["versions"] = used
        r["ok"] = r["floor_ratio"] is None or r["ratio"] is None or r["ratio"] >= r["floor_ratio"]
    if json:
        print(jsonlib.dumps(rows, indent=1))
    else:
        for r in rows:
            ratio, floor = ("-" if x is None else f"{x:.2f}" for x in (r["ratio"], r["floor_ratio"]))
            print(f"{r['case']:32} {r['peer']:26} ours {r['ours']:>11,.1f} {r['unit']:12} ratio {ratio:>7} floor {floor:>6} "
                  f"{'' if r['ok'] else 'BELOW '}{r['note']}")  # fmt: skip
    return 0 if all(r["ok"] for r in rows) else 1
