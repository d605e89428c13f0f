"""How long each target has been fuzzed: a line a campaign in ledger.jsonl, and the sums in docs/reliability.md.

    python -m tests.fuzz TARGET --ledger     fuzz, and add the campaign to the ledger
    python -m tests.fuzz.ledger              write the sums into the page (--check: say whether they are stale)

The goal is an hour of CPU time for each target over all sessions; no session has it at once.
"""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.fuzz.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
LEDGER = Path(__file__).with_name("ledger.jsonl")
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- fuzzing: begin (python -m tests.fuzz.ledger) -->", "<!-- fuzzing: end -->"
GOAL_S = 3600


def entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger keeps of a campaign's row: target, CPU seconds, inputs, finds, with the day and the commit that was fuzzed."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "day": datetime.date.today().isoformat(),
        "commit": done.stdout.strip() or "unknown",
        "target": row["target"],
        "cpu_s": row["cpu_s"],
        "inputs": row["runs"],
        "finds": len(row["found"]),
    }


def add(row: Mapping[str, Any], path: Path = LEDGER) -> None:
    """Append a campaign; earlier lines are never touched."""
    with path.open("a", encoding="utf-8") as f:
        f.write(json.dumps(entry(row)) + "\n")


def read(path: Path = LEDGER) -> list[dict[str, Any]]:
    """All campaigns in the order in which they ended."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def table(campaigns: Iterable[Mapping[str, Any]]) -> str:
    """Sums per target as a Markdown table; a target that was never fuzzed has a row of zeros."""
    campaigns = list(campaigns)
    lines = ["| target | CPU s | of an hour | inputs | finds | campaigns | last |", "|---|---|---|---|---|---|---|"]
    for name in TARGETS:
        own = [c for c in campaigns if c["target"] == name]
        cpu, inputs, finds = (sum(c[k] for c in own) for k in ("cpu_s", "inputs", "finds"))
        last = f"{own[-1]['day']}, {own[-1]['commit']}" if own else ""
        lines.append(f"| {name} | {cpu:,} | {cpu / GOAL_S:.0%} | {inputs:,} | {finds} | {len(own)} | {last} |")
    return "\n".join(lines) + "\n"


def filled(page: str, inside: str) -> str:
    """The page with the table between its marks; ValueError without marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n\n{inside}\n{END}{tail}"


def main(arguments: list[str]) -> int:
    old = PAGE.read_text(encoding="utf-8")
    if (new := filled(old, table(read()))) == old:
        return 0
    if "--check" in arguments:
        print("docs/reliability.md is stale; run: python -m tests.fuzz.ledger")
        return 1
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
