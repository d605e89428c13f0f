"""The whole pipeline on a generated web: `python -m benchmarks.pipeline [--json] [--pages N]`.

1. Beam's share: a run with one worker beside the same functions called in a loop (`benchmarks.pipeline_loop`), in CPU seconds of all
   processes, images from a loopback server in both. Both must write the same shards.
2. Two workers on two cores beside one on one core, on the wall clock, with the pictures fetched before: their server would take part
   of the second core. (A worker left two cores uses part of the second: its guarded child parses while it writes.) Each
   the faster of two runs, in turn. Beside it what the machine allows: two runs of one worker side by side, a core each, slow each other.
3. What `weft plan --whole` says after runs over a twentieth of the input, beside what the run takes after it.

How it grows with the input is `benchmarks.growth`. Every arm is a process of its own (`benchmarks.pipeline_arm`). Ratios are ours over what
was asked, so that larger is better.
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

from benchmarks.peers import row, show
from benchmarks.processes import watched

PAGES = 20_000
SEED = 7
UNIT_BYTES = 4 << 20  # some 1,500 pages of the demo web; smaller on small webs, so that several workers have work
LEAST_UNIT = 1 << 16  # as the settings have it
PLAN_PART, PLAN_PIECES, PLAN_LIMIT = 20, 8, 0.2
BEAM_LIMIT, TWO_WORKERS = 1.25, 1.7


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
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}) as process:
            said, peaks = watched(process)
        if process.returncode:
            raise RuntimeError(f"the run {name} on {self.pages} pages failed with exit code {process.returncode}")
        found = jsonlib.loads(said.splitlines()[-1]) | {"peak_mb": peaks}
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
def served(pages: int, folder: Path, settings: Sequence[str] = ()) -> Iterator[Web]:
    """`settings`: sizes of units and buckets; by default such that there are several of each a worker, as in a large run."""
    from demo import build
    from demo.server import serve
    from pipelines.settings.config import dump
    from weft.verbs.demo import at_server, demo_config

    web = build(folder / "web", pages, SEED)
    unit = max(LEAST_UNIT, min(UNIT_BYTES, sum(w.stat().st_size for w in web.warcs) // 12))
    own = list(settings) or [f"input.unit_bytes={unit}", f"fetch.urls_per_bucket={max(500, pages // 12)}"]
    with serve(web, keep=True) as server:
        config = at_server(demo_config([str(w) for w in web.warcs], 1, own), server.port)
        (folder / "config.toml").write_text(dump(config), encoding="utf-8")
        yield Web(pages, folder, folder / "config.toml")


def main(json: bool = False, pages: int = PAGES) -> int:
    """Measure and print; 1 if a limit is broken."""
    with tempfile.TemporaryDirectory(prefix="weft-pipeline-") as name:
        with served(50, Path(name, "warm")) as web:
            web.run("beam")  # compiled code is in the cache from here on
        with served(pages, Path(name, str(pages))) as web:
            said = planned(web)
            plain = web.run("beam")
            rows = [plan_row(pages, said, plain["cpu"]), beam_share(pages, plain, web.run("loop"))]
            one, two = in_turn(web, ((1, "0"), (2, "0,1")))
            with ThreadPoolExecutor(2) as both:  # the second of them is the first arm again, on the other core
                beside = both.submit(web.run, "loop", 1, "1", "beam-1-all")
                side = both.submit(web.run, "beam", 1, "0", "beam-1-all").result()
                beside.result()
            rows += two_workers(pages, one, two, side)
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pages", type=int, default=PAGES)
    args = parser.parse_args()
    sys.exit(main(args.json, args.pages))
