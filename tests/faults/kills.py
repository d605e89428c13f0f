"""Random SIGKILLs: driver, worker or guarded child, at any moment of a small run, again and again until it ends.

    python -m tests.faults.kills [--kills N] [--seed S] [--workers W] [--clip]

After each death: no half file under a final name. At the end: the same shards and stage manifests as undisturbed, and the books balance. The
seed is printed; the same seed kills at the same moments (of a machine as busy).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults import chain, golden


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="stop after this many (default: 300)")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--clip", action="store_true", help="with the demo's CLIP: slower")
    args = parser.parse_args()
    seed = random.randrange(1 << 30) if args.seed is None else args.seed
    print(f"seed {seed}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as scratch:
        row = campaign(Path(scratch), args.kills, seed, args.workers, [] if args.clip else chain.PLAIN)
    print(json.dumps(row))
    return int(bool(row["wrong"]))


def campaign(scratch: Path, kills: int, seed: int, workers: int = 1, overrides: list[str] = chain.PLAIN) -> dict[str, Any]:
    """Runs with kills in them until `kills` have been made; counts and everything that was wrong."""
    from demo import build
    from demo.server import serve

    rng, began = random.Random(seed), time.monotonic()
    web, run = build(scratch / "web", 50, 7), scratch / "run"
    victims: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    wrong: list[str] = []
    chains, said = 0, {}
    with serve(web) as server:
        command = [sys.executable, "-m", "tests.faults.chain", str(scratch / "web"), str(server.port), str(run), str(workers), *overrides]
        start = time.monotonic()
        subprocess.run(command, check=True)
        takes = time.monotonic() - start
        whole, public = golden.files(run), golden.published(run)
        while sum(victims.values()) < kills:
            shutil.rmtree(run, ignore_errors=True)
            chains += 1
            for attempt in range(1, 41):
                start = time.monotonic()
                code, victim = disturbed(command, rng, takes if attempt < 12 else 0.0)
                if attempt == 1 and not victim:  # the first run may have compiled loops: times drawn from it would come after the end
                    takes = min(takes, time.monotonic() - start)
                codes[code] += 1
                victims.update([victim] if victim else [])
                wrong += [f"chain {chains}, attempt {attempt}: half file {x}" for x in golden.half(run, whole)] if run.is_dir() else []
                if code == 0:
                    break
            else:
                wrong.append(f"chain {chains}: no end after 40 attempts")
            if golden.published(run) != public:
                differ = {k for k in {*public, *golden.published(run)} if public.get(k) != golden.published(run).get(k)}
                wrong.append(f"chain {chains}: differs in {sorted(differ)[:5]}")
            wrong += [f"chain {chains}: books: {x}" for x in golden.unbalanced(run)]
            wrong += [f"chain {chains}: left over: {x}" for x in golden.left_over(run)]
            said = {"seed": seed, "workers": workers, "kills": dict(victims), "chains": chains, "exits": {str(k): v for k, v in codes.items()},
                    "wrong": wrong, "seconds": round(time.monotonic() - began)}  # fmt: skip
            print(json.dumps(said), file=sys.stderr, flush=True)  # a campaign takes hours: what is known so far
    return said


def disturbed(command: list[str], rng: random.Random, takes: float) -> tuple[int, str]:
    """One attempt; after a random time (0: never) one of its processes is killed. Exit code and who was killed ("" = nobody)."""
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    if not takes:
        return process.wait(timeout=600), ""
    try:
        return process.wait(timeout=rng.uniform(0, takes)), ""
    except subprocess.TimeoutExpired:
        pass
    alive = members(process.pid)
    victim = rng.choice(sorted(alive)) if alive and rng.random() < 0.6 else process.pid
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return process.wait(timeout=600), ""
    return process.wait(timeout=600), alive.get(victim, "driver")


def members(driver: int) -> dict[int, str]:
    """The processes below `driver`, in whatever session: pid -> what it is."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    out: dict[int, str] = {}
    below = [driver]
    for pid in below:  # grows as it is read
        children = [p for p, parent in parents.items() if parent == pid]
        below += children
        for child in children:
            with suppress(OSError):
                said = Path(f"/proc/{child}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                forked = "pipelines.nursery" in said  # workers are forked from the nursery, which the driver starts
                worker = "pipelines.worker" in said or (forked and pid != driver)
                out[child] = "child" if "guard_child" in said else "worker" if worker else "nursery" if forked else "other"
    return out


if __name__ == "__main__":
    sys.exit(main())
