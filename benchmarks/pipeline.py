"""The whole pipeline on generated webs: `python -m benchmarks.pipeline [--json] [--curve N ...] [--workers-at N] [--loop-at N]`.

1. Beam's share: a run with one worker beside the same functions called in a loop (`benchmarks.pipeline_loop`), in CPU seconds of all
   processes, images from a loopback server in both. Both must write the same shards.
2. Two workers on two cores beside one on one core, on the wall clock, with the pictures fetched before: their server would take part
   of the second core. (A worker left two cores uses part of the second: its guarded child parses while it writes.) Each
   the faster of two runs, in turn. Beside it what the machine allows: two runs of one worker side by side, a core each, slow each other.
3. What `weft plan --whole` says after runs over a twentieth of the input, beside what the run takes after it.
4. Peak memory of the driver, CPU and bytes over the sizes of the curve; the exponent is the slope of log CPU over log pages.

Every arm is a process of its own (`benchmarks.pipeline_arm`). Ratios are ours over what was asked, so that larger is better.
"""

from __future__ import annotations

import argparse
import hashlib
import json as jsonlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import row, show

CURVE = (1000, 2000, 20000)  # 100000 takes an hour and a half on two cores: --curve 1000 10000 100000
SEED = 7
UNIT_BYTES = 4 << 20  # some 1,500 pages of the demo web; smaller on small webs, so that several workers have work
LEAST_UNIT = 1 << 16  # as the settings have it
PLAN_PART, PLAN_PIECES, PLAN_LIMIT = 20, 8, 0.2
BEAM_LIMIT, TWO_WORKERS, MEMORY_LIMIT, EXPONENT_LIMIT = 1.25, 1.7, 1.2, 1.05


@dataclass
class Web:
    """A generated web, served; runs over it."""

    pages: int
    folder: Path
    config: Path
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run(self, how: str, workers: int = 1, cores: str = "all", fetched: str = "") -> dict[str, Any]:
        """One arm, measured; `cores`: which it may use; `fetched`: the arm whose fetch it takes over. RuntimeError if it fails."""
        name = f"{how}-{workers}-{cores}" + ("-fetched" if fetched else "")
        out = self.folder / name
        shutil.rmtree(out, ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.pipeline_arm", str(self.config), str(out), str(workers), how, cores]
        command += [str(self.folder / fetched)] if fetched else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
        if done.returncode:
            raise RuntimeError(f"the run {name} on {self.pages} pages failed with exit code {done.returncode}")
        found = jsonlib.loads(done.stdout.splitlines()[-1])
        found["shards"] = digest(out)
        found["run_bytes"] = sum(p.stat().st_size for p in out.rglob("*") if p.is_file())
        found["fetched_bytes"] = sum(p.stat().st_size for p in out.glob("stages/fetch/*/blobs/**/*") if p.is_file())
        self.runs[name] = found
        print(f"{self.pages} pages, {name}: {jsonlib.dumps(found)}", file=sys.stderr, flush=True)
        return found


def digest(run: Path) -> str:
    h = hashlib.sha256()
    for p in sorted((run / "shards").glob("*.tar")):
        h.update(hashlib.sha256(p.read_bytes()).digest())
    return h.hexdigest()


@contextmanager
def served(pages: int, folder: Path) -> Iterator[Web]:
    from demo import build
    from demo.server import serve
    from pipelines.settings.config import dump
    from weft.verbs.demo import at_server, demo_config

    web = build(folder / "web", pages, SEED)
    unit = max(LEAST_UNIT, min(UNIT_BYTES, sum(w.stat().st_size for w in web.warcs) // 12))
    with serve(web, keep=True) as server:
        own = [f"input.unit_bytes={unit}", f"fetch.urls_per_bucket={max(500, pages // 12)}"]  # several of each a worker, as in a large run
        config = at_server(demo_config([str(w) for w in web.warcs], 1, own), server.port)
        (folder / "config.toml").write_text(dump(config), encoding="utf-8")
        yield Web(pages, folder, folder / "config.toml")


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """Slope of log cost over log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def main(json: bool = False, curve: Sequence[int] = CURVE, workers_at: int = 20000, loop_at: int = 20000) -> int:
    """Measure and print; 1 if a limit is broken."""
    rows: list[dict[str, Any]] = []
    plain: dict[int, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="weft-pipeline-") as name:
        with served(50, Path(name, "warm")) as web:
            web.run("beam")  # compiled code is in the cache from here on
        for pages in sorted({*curve, workers_at, loop_at}):
            with served(pages, Path(name, str(pages))) as web:
                said = planned(web) if pages == loop_at else 0.0
                plain[pages] = web.run("beam")
                if pages == loop_at:
                    rows.append(plan_row(pages, said, plain[pages]["cpu"]))
                    rows.append(beam_share(pages, plain[pages], web.run("loop")))
                if pages == workers_at:
                    one, two = in_turn(web, ((1, "0"), (2, "0,1")))
                    with ThreadPoolExecutor(2) as both:  # the second of them is the first arm again, on the other core
                        beside = both.submit(web.run, "loop", 1, "1", "beam-1-all")
                        side = both.submit(web.run, "beam", 1, "0", "beam-1-all").result()
                        beside.result()
                    rows += two_workers(pages, one, two, side)
    rows += over_sizes({n: plain[n] for n in curve})
    return show(rows, ["apache-beam", "pyarrow", "torch"], json)


def planned(web: Web) -> float:
    """CPU seconds of a run with one worker, as the plan has them."""
    piece = sum(p.stat().st_size for p in (web.folder / "web" / "warc").iterdir()) // PLAN_PART // PLAN_PIECES
    command = [sys.executable, "-m", "weft.main", "plan", str(web.config), "-o", str(web.folder / "none"), "--whole", "--workers", "1", "--json",
               "--samples", str(PLAN_PIECES), "--sample-bytes", str(piece)]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = jsonlib.loads(done.stdout)["estimate"]
    print(f"{web.pages} pages, plan: {jsonlib.dumps(found)}", file=sys.stderr, flush=True)
    return 3600 * found["cpu_hours"]


def plan_row(pages: int, said: float, took: float) -> dict[str, Any]:
    off = abs(said - took) / took
    return row(f"plan from a {PLAN_PART}th of {pages:,} pages", f"the run: {took:.0f} CPU s", said, "CPU s", PLAN_LIMIT / max(off, 1e-6), 1.0,
               f"{off:.0%} off, at most {PLAN_LIMIT:.0%}")  # fmt: skip


def in_turn(web: Web, arms: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    """Each arm's faster run of two, the arms taking turns: what others do on this machine slows a run and never speeds it up."""
    rounds = [[web.run("beam", workers, cores, "beam-1-all") for workers, cores in arms] for _ in range(2)]
    return [min(runs, key=lambda r: r["wall"]) for runs in zip(*rounds, strict=True)]


def beam_share(pages: int, beam: dict[str, Any], loop: dict[str, Any]) -> dict[str, Any]:
    if beam["shards"] != loop["shards"]:
        raise RuntimeError("the loop wrote other shards than the run")
    share = beam["cpu"] / loop["cpu"]
    return row(f"Beam's share, {pages:,} pages", "a loop", 1000 * beam["cpu"] / beam["pages"], "CPU ms/page", 1 / share, 1 / BEAM_LIMIT,
               f"{share:.2f} of the loop's CPU, at most {BEAM_LIMIT}")  # fmt: skip


def two_workers(pages: int, one: dict[str, Any], two: dict[str, Any], side: dict[str, Any]) -> list[dict[str, Any]]:
    if one["shards"] != two["shards"]:
        raise RuntimeError("two workers wrote other shards than one")
    gain, allowed = one["wall"] / two["wall"], 2 * one["wall"] / side["wall"]
    return [
        row(f"two workers, {pages:,} pages", "one on one core", two["wall"], "s", gain, TWO_WORKERS,
            f"CPU {one['cpu']:.3g} and {two['cpu']:.3g} s; stages with one: {_walls(one)}; with two: {_walls(two)}"),
        row("two runs side by side, a core each", "one alone", side["wall"], "s", allowed, None, "times one's work in one's time: what this machine's second core is worth"),
    ]  # fmt: skip


def _walls(run: dict[str, Any]) -> str:
    return ", ".join(f"{name} {stage['wall']:.3g}" for name, stage in run["stages"].items() if stage["wall"] >= 1)


def over_sizes(runs: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Memory, exponent and the price of a million pages."""
    sizes = sorted(runs)
    small, large = runs[next((n for n in sizes if n >= 2000), sizes[0])], runs[sizes[-1]]
    slope = exponent([runs[n]["pages"] for n in sizes], [runs[n]["cpu"] for n in sizes])
    spread = f"{small['pages']:,} to {large['pages']:,} pages"
    per = 1e6 / large["pages"]
    return [
        row(f"driver's memory, {spread}", f"{small['driver_mb']:.0f} MB", large["driver_mb"], "MB", small["driver_mb"] / large["driver_mb"], 1 / MEMORY_LIMIT,
            f"grows to {large['driver_mb'] / small['driver_mb']:.2f} of it, at most {MEMORY_LIMIT}"),
        row(f"growth of CPU, {sizes[0]:,} to {sizes[-1]:,}", "linear", slope, "exponent", 1 / slope, 1 / EXPONENT_LIMIT,
            ", ".join(f"{n:,}: {1000 * runs[n]['cpu'] / runs[n]['pages']:.3g} ms" for n in sizes)),
        row("a million such pages", "", large["cpu"] * per / 3600, "CPU h", None, None,
            f"{large['run_bytes'] * per / 1e9:.3g} GB written, {large['requests'] * per / 1e6:.3g} million images asked for") | {
                "curve": [[runs[n]["pages"], runs[n]["cpu"], runs[n]["driver_mb"]] for n in sizes],
                "stages": {name: s["cpu"] for name, s in large["stages"].items()},
                **{k: large[k] for k in ("pages", "requests", "run_bytes", "fetched_bytes")},
            },
    ]  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--curve", type=int, nargs="+", default=list(CURVE))
    parser.add_argument("--workers-at", type=int, default=20000)
    parser.add_argument("--loop-at", type=int, default=20000)
    args = parser.parse_args()
    sys.exit(main(args.json, args.curve, args.workers_at, args.loop_at))
