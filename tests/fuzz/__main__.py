"""python -m tests.fuzz TARGET [--seconds N] [--corpus FOLDER] [--ledger]: fuzz one target with atheris; `all` takes them in turn.

An input that takes more than a second, 512 MB, or ends in an exception is kept below the corpus folder and named at the end (exit 1).
Coverage-guided: our parsers are instrumented as they are imported. The corpus grows over runs; it is not part of the project, the ledger
of what was run (tests/fuzz/ledger.py) is.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import ledger
from tests.fuzz.targets import TARGETS


def one(name: str, seconds: int, corpus: Path) -> dict[str, object]:
    """Fuzz in a process of its own (libFuzzer ends the process); counts and finds."""
    folder, finds = corpus / name, corpus / f"{name}-finds"
    folder.mkdir(parents=True, exist_ok=True)
    finds.mkdir(exist_ok=True)
    for i, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"seed-{i}").write_bytes(seed)
    before = set(finds.iterdir())
    began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    arguments = [str(folder), f"-max_total_time={seconds}", "-timeout=20", f"-rss_limit_mb={base_mb() + 512}", f"-artifact_prefix={finds}/",
                 "-max_len=65536", "-print_final_stats=1", "-verbosity=0"]  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "tests.fuzz.worker", name, *arguments], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = done.stderr + done.stdout
    runs = [int(line.split()[-1]) for line in said.splitlines() if "number_of_executed_units" in line]
    new = set(finds.iterdir()) - before
    found = sorted(str(p) for p in new if not _only_waited(name, p))
    if done.returncode and not new:
        raise SystemExit(f"fuzzing {name} did not work: exit {done.returncode}\n{said[-2000:]}")
    if found:
        print(said[-4000:], file=sys.stderr)
    return {"target": name, "runs": runs[0] if runs else 0, "seconds": round(time.monotonic() - began),
            "cpu_s": round(after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime), "corpus": len(list(folder.iterdir())), "found": found}  # fmt: skip


def _only_waited(name: str, find: Path) -> bool:
    """A find called slow that takes less than a second of CPU time: the machine was busy. It is removed."""
    if not find.name.startswith(("timeout-", "slow-unit-")):
        return False
    data = find.read_bytes()
    for seed in TARGETS[name].seeds():
        TARGETS[name].run(seed)
    began = time.process_time()
    TARGETS[name].run(data)
    if time.process_time() - began > 1:
        return False
    find.unlink()
    return True


def base_mb() -> int:
    """What the interpreter with the parsers loaded takes: the limit is for what an input adds."""
    return 700


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=Path(os.environ.get("WEFT_FUZZ_CORPUS", ".fuzz")))
    parser.add_argument(
        "--ledger", type=Path, nargs="?", const=ledger.LEDGER, help="add each campaign to this file (default: tests/fuzz/ledger.jsonl)"
    )
    args = parser.parse_args()
    worst = 0
    for name in TARGETS if args.target == "all" else [args.target]:
        row = one(name, args.seconds, args.corpus)
        print(json.dumps(row), flush=True)
        if args.ledger:
            ledger.add(row, args.ledger)
        worst |= bool(row["found"])
    return worst


if __name__ == "__main__":
    sys.exit(main())
