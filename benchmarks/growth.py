"""How the whole pipeline grows with its input: `python -m benchmarks.growth [--json] [--sizes N ...] [--workers W] [--runs FILE]`.

Runs on generated webs of 1,000 to 100,000 pages, all with the same settings (so that the largest has hundreds of units and buckets, and a
pass in which each opens the files of all would show). Of each: CPU seconds of all processes by stage, the peak memory of the largest
process of each kind, bytes and requests. The exponent is the slope of log CPU over log pages: over all sizes, which begins with the price
of starting, and over the last two, where little of it is left.

Each run is noted in FILE when it ends, and sizes that FILE holds are not run again: the largest takes twenty minutes on two cores.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import row, show
from benchmarks.pipeline import served

SIZES = (1_000, 10_000, 100_000)
SETTINGS = (f"input.unit_bytes={1 << 20}", "fetch.urls_per_bucket=1000")  # some 370 pages a unit
MEMORY_LIMIT, EXPONENT_LIMIT = 1.2, 1.05
Run = dict[str, Any]  # what `benchmarks.pipeline_arm` says of one


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Slope of log cost over log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def rows_of(runs: dict[int, Run]) -> list[dict[str, Any]]:
    """Exponents in all and by stage, memory by kind of process, and the price of a million pages; `runs` by asked size, at least two."""
    sizes = sorted(runs)
    pages = [runs[n]["pages"] for n in sizes]
    span = f"{sizes[0]:,} to {sizes[-1]:,} pages"
    out = [_growth(f"CPU, {span}", pages, [runs[n]["cpu"] for n in sizes])]
    if len(sizes) > 2:
        out.append(_growth(f"CPU, {sizes[-2]:,} to {sizes[-1]:,} pages", pages[-2:], [runs[n]["cpu"] for n in sizes[-2:]]))
    out += [_growth(f"CPU of {name}, {span}", pages, [runs[n]["stages"][name]["cpu"] for n in sizes]) for name in runs[sizes[-1]]["stages"]]
    first, last = (runs[n]["peak_mb"] for n in (sizes[-2], sizes[-1]))
    for kind in (k for k in last if k in first and k != "other"):
        note = ", ".join(f"{n:,}: {runs[n]['peak_mb'].get(kind, 0):,.0f} MB" for n in sizes)
        out.append(row(f"memory of the largest {kind}, {sizes[-2]:,} to {sizes[-1]:,} pages", f"{first[kind]:,.0f} MB", last[kind], "MB",
                       first[kind] / last[kind], 1 / MEMORY_LIMIT, f"{note}; at most {MEMORY_LIMIT} times"))  # fmt: skip
    return [*out, _million(runs[sizes[-1]]) | {"curves": curves(runs)}]


def _growth(case: str, pages: Sequence[int], cpu: Sequence[float]) -> dict[str, Any]:
    slope = exponent(pages, [max(c, 0.01) for c in cpu])  # the kernel counts hundredths
    note = ", ".join(f"{n:,}: {1000 * c / n:.3g} ms a page" for n, c in zip(pages, cpu, strict=True))
    return row(case, "linear", slope, "exponent", 1 / slope if slope > 0 else None, 1 / EXPONENT_LIMIT, note)


def _million(run: Run) -> dict[str, Any]:
    """The largest run, scaled; `benchmarks.cost` makes a table of it."""
    per = 1e6 / run["pages"]
    note = f"{run['run_bytes'] * per / 1e9:.3g} GB written, {run['requests'] * per / 1e6:.3g} million images asked for"
    return row("a million such pages", "", run["cpu"] * per / 3600, "CPU h", None, None, note) | {
        "stages": {name: s["cpu"] for name, s in run["stages"].items()},
        **{k: run[k] for k in ("pages", "requests", "run_bytes", "fetched_bytes")},
    }


def curves(runs: dict[int, Run]) -> dict[str, dict[str, list[list[float]]]]:
    """Points (pages, value) of the plots, by plot and line."""
    sizes = sorted(runs)
    stages, kinds = runs[sizes[-1]]["stages"], [k for k in runs[sizes[-1]]["peak_mb"] if k != "other"]
    cpu = {name: [[runs[n]["pages"], 1000 * runs[n]["stages"][name]["cpu"] / runs[n]["pages"]] for n in sizes] for name in stages}
    every = {"all": [[runs[n]["pages"], 1000 * runs[n]["cpu"] / runs[n]["pages"]] for n in sizes]}
    memory = {kind: [[runs[n]["pages"], runs[n]["peak_mb"][kind]] for n in sizes if kind in runs[n]["peak_mb"]] for kind in kinds}
    return {"CPU, ms a page": every | cpu, "peak memory, MB": memory}


def noted(file: Path | None) -> dict[int, Run]:
    """Runs that a file holds, one line of JSON each, by asked size."""
    if file is None or not file.is_file():
        return {}
    return {r["size"]: r for r in map(jsonlib.loads, file.read_text("utf-8").splitlines())}


def main(json: bool = False, sizes: Sequence[int] = SIZES, workers: int = 2, file: Path | None = None) -> int:
    """Measure what `file` does not hold yet and print; 1 if a limit is broken."""
    runs = noted(file)
    with tempfile.TemporaryDirectory(prefix="weft-growth-") as name:
        if set(sizes) - runs.keys():
            with served(50, Path(name, "warm")) as web:
                web.run("beam")  # compiled code is in the cache from here on
        for size in sorted(set(sizes) - runs.keys()):
            with served(size, Path(name, str(size)), SETTINGS) as web:
                runs[size] = web.run("beam", workers) | {"size": size}
            if file is not None:
                with file.open("a", encoding="utf-8") as f:
                    f.write(jsonlib.dumps(runs[size]) + "\n")
    return show(rows_of({n: runs[n] for n in sizes}), ["apache-beam", "pyarrow", "torch"], json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="at least two")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=Path, help="where runs are noted, and looked for")
    args = parser.parse_args()
    sys.exit(main(args.json, args.sizes, args.workers, args.runs))
