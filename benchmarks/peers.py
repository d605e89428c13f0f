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
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

Clock = Callable[[Callable[[], Any]], float]  # seconds that a piece of work takes


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


def rates(cases: Mapping[str, Callable[[], int]], rounds: int = 3, clock: Clock = cpu_seconds) -> dict[str, float]:
    """Items per second of each case (a case returns how many it did): the median over rounds in which they take turns."""
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            done: list[int] = []
            took = clock(lambda case=case, done=done: done.append(case()))
            found[name].append(done[0] / took)
    return {name: statistics.median(each) for name, each in found.items()}


def row(case: str, peer_name: str, ours: float, unit: str, ratio: float | None, floor: float | None, note: str = "") -> dict[str, Any]:
    """One line of a benchmark's answer; `ok` is added by `show`."""
    return {"case": case, "peer": peer_name, "ours": ours, "unit": unit, "ratio": ratio, "floor_ratio": floor, "note": note}


def beside(case: str, unit: str, ours: float, theirs: float | None, name: str, floor: float | None) -> dict[str, Any]:
    """The same with the peer's own figure (None: it is not installed)."""
    ratio = round(ours / theirs, 3) if theirs else None
    return {
        "case": case,
        "ours": _short(ours),
        "peer": theirs and _short(theirs),
        "peer_name": name,
        "unit": unit,
        "ratio": ratio,
        "floor_ratio": floor,
    }


def _short(x: float) -> float:
    return round(x, 4 if x < 10 else 1)


def show(rows: Sequence[dict[str, Any]], packages: Iterable[str], json: bool, elsewhere: Mapping[str, str] = MappingProxyType({})) -> int:
    """Print the rows; 1 if a ratio is below its floor. A row without ratio or floor is never below. `elsewhere`: versions of peers in
    other environments."""
    used, rss = {**versions(packages), **elsewhere}, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    for r in rows:
        r.setdefault("peak_rss_mb", rss)
        r["versions"] = used
        r.setdefault("ok", r["floor_ratio"] is None or r["ratio"] is None or r["ratio"] >= r["floor_ratio"])
    if json:
        print(jsonlib.dumps(rows, indent=1))
    else:
        wide = max(len(r["case"]) for r in rows)
        for r in rows:
            ratio, floor = ("-" if x is None else f"{x:.2f}" for x in (r["ratio"], r["floor_ratio"]))
            print(f"{r['case']:{wide}} ours {r['ours']:>11,.1f} {r['unit']:12} ratio {ratio:>7} floor {floor:>6} {'' if r['ok'] else 'BELOW '}"
                  f"{r.get('peer_name') or r['peer'] or ''} {r.get('note', '')}".rstrip())  # fmt: skip
    return 0 if all(r["ok"] for r in rows) else 1
