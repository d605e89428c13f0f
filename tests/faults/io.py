"""Every k-th write, fsync, rename, close, read and link of a small run fails, once each.

After each failure: no half file under a final name, an exit code that says what happened, and a second attempt that ends like an undisturbed
one. Each stage is disturbed from the state that the stages before it left, so a trial costs one stage and not seven.

    python -m tests.faults.io [--every N] [--operation NAME ...] [--stage NAME] [--minutes N --seed S]       (make chaos; needs a C compiler and Linux)

With --minutes each stage has an equal share of the time, and its calls are failed in the order that the seed shuffles them into: what was covered
is then a fair sample of every operation, and another seed covers others.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from schemas import layout
from tests.faults import chain, golden
from tests.faults.control import OPERATIONS, Control, build

RIGHT = {3, 4}  # partial: run again; environment: disk


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.io", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every N-th call (default: all)")
    parser.add_argument("--first", type=int, default=1, help="first call of a stage that fails (default: 1)")
    parser.add_argument("--operation", choices=OPERATIONS, nargs="+", default=OPERATIONS, help="which calls fail (default: all)")
    parser.add_argument("--stage", choices=layout.STAGES)
    parser.add_argument("--minutes", type=float, default=0, help="about so long, over all stages (default: to the end)")
    parser.add_argument("--seed", type=int, default=0, help="which calls come first under --minutes")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if "LD_PRELOAD" not in os.environ:
            return preloaded(Path(scratch))
        wrong = 0
        for row in trials(Path(scratch), args):
            print(json.dumps(row), flush=True)
            wrong += len(row["wrong"])
    return int(wrong > 0)


def preloaded(scratch: Path) -> int:
    """This program again, with the shim under it; 4 where it cannot be built."""
    library = build(scratch)
    if library is None:
        print("needs a C compiler and Linux", file=sys.stderr)
        return 4
    Control(scratch / "control")
    env = {**os.environ, "LD_PRELOAD": str(library), "WEFT_FAULT_CONTROL": str(scratch / "control")}
    return subprocess.run([sys.executable, "-m", "tests.faults.io", *sys.argv[1:]], env=env, check=False).returncode


def trials(scratch: Path, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each stage and operation: calls there are, calls failed, exit codes, and what was wrong."""
    from demo import build as build_web
    from demo.server import serve

    web = build_web(scratch / "web", 50, 7)
    chain.load()
    control, run, before, after = Control(Path(os.environ["WEFT_FAULT_CONTROL"])), scratch / "run", scratch / "before", scratch / "after"
    with serve(web) as server:
        for stage in layout.STAGES:
            upto = None if stage == layout.STAGES[-1] else stage

            def attempt(upto: str | None = upto) -> int:
                return chain.forked(str(scratch / "web"), server.port, str(run), chain.PLAIN, upto)

            _copy(run, before)
            control.arm(str(run))
            if attempt():
                raise SystemExit(f"the undisturbed {stage} failed")
            counts = control.counts
            control.disarm()
            _copy(run, after)
            if args.stage in (None, stage):
                names = args.operation
                chosen = [(n, i) for n in names for i in range(args.first, counts[n] + 1, args.every)]
                whole, until = golden.files(after), float("inf")
                if args.minutes:
                    random.Random(args.seed).shuffle(chosen)
                    until = time.monotonic() + args.minutes * 60 / (1 if args.stage else len(layout.STAGES))
                rows = {
                    n: {"stage": stage, "operation": n, "calls": counts[n], "failed": 0, "exits": {}, "wrong": [], "seconds": 0}
                    for n in names
                }
                for name, number in chosen:
                    if time.monotonic() > until:
                        break
                    fail(control, run, before, whole, name, number, attempt, rows[name])
                yield from rows.values()
            _copy(after, run)


def fail(
    control: Control,
    run: Path,
    before: Path,
    whole: dict[str, str],
    operation: str,
    number: int,
    attempt: Callable[[], int],
    row: dict[str, Any],
) -> None:
    """Fail one call of one operation in one stage, and judge what is left and what a second attempt makes of it."""
    began = time.monotonic()
    _copy(before, run)
    control.arm(str(run), operation, number)
    code = attempt()
    fired = control.fired
    control.disarm()
    faults = [f"half file: {x}" for x in golden.half(run, whole)]
    if not fired:
        faults.append("the call that should fail never came")
    elif code not in RIGHT and code != 0:  # 0: the call did not matter, such as closing a file that was read
        faults.append(f"exit code {code}")
    if again := attempt():
        faults.append(f"the second attempt ended with {again}")
    elif other := sorted({*golden.files(run).items()} ^ {*whole.items()}):
        faults.append(f"the second attempt differs: {sorted({n for n, _ in other})[:6]}")
    faults += [f"books: {x}" for x in golden.unbalanced(run)] + [f"half file after all: {x}" for x in golden.half(run, whole)]
    row["failed"] += 1
    row["exits"][str(code)] = row["exits"].get(str(code), 0) + 1
    row["seconds"] = round(row["seconds"] + time.monotonic() - began, 1)
    if faults:
        row["wrong"].append({"call": number, "exit": code, "faults": faults})
        print(json.dumps({"operation": operation, **row["wrong"][-1]}), file=sys.stderr, flush=True)


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    if source.is_dir():
        shutil.copytree(source, target)


if __name__ == "__main__":
    sys.exit(main())
