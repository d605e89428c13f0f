"""Measured rows on record, and the page made of them.

    weft bench WHAT --save            measure, and put the rows into benchmarks/results/WHAT.json
    python -m benchmarks.results      write docs/performance.md and the README's table from these files (--check: say what is stale)

A file holds the rows as the benchmark printed them, the day, the machine and the commit. Numbers are typed nowhere else.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- results: begin (python -m benchmarks.results) -->", "<!-- results: end -->"
TITLES = {
    "extract": "Extraction", "dedup": "Deduplication", "fetch": "Fetching", "score": "Images and CLIP", "pack": "Packing", "verify": "Verifying",
    "audit": "Auditing a million documents", "load": "The trainer's loader", "train": "Ten minutes of training on the demo web", "pipeline": "Whole pipeline", "pii": "Personal data",
}  # fmt: skip


def measure(name: str) -> dict[str, Any]:
    """Run a benchmark in a process of its own and keep what it printed as JSON. RuntimeError if it printed none."""
    done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    begin = min((i for i in (done.stdout.find("["), done.stdout.find("{")) if i >= 0), default=-1)
    if begin < 0:
        raise RuntimeError(f"benchmarks.{name} printed no JSON (exit {done.returncode})")
    found = json.loads(done.stdout[begin:])
    return {"what": name, "day": _today(), "machine": machine(), "commit": _commit(), "rows": found if isinstance(found, list) else [found]}


def save(result: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Write one result; the old one of the same name goes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{result['what']}.json"
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def machine() -> str:
    """The processor, in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(x.split(":", 1)[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


def table(result: dict[str, Any]) -> list[str]:
    """The rows of one result as a Markdown table."""
    out = ["| case | Weft | beside | ratio | asked | |", "|---|---|---|---|---|---|"]
    for r in result["rows"]:
        if "case" not in r:
            continue
        unit, peer = r.get("unit") or "", r.get("peer")
        name = r.get("peer_name") or (peer if isinstance(peer, str) else "")
        beside = name if isinstance(peer, str) or peer is None else f"{_number(peer)} {unit if not name else name}".strip()
        ratio, floor = r.get("ratio"), r.get("floor_ratio")
        state = "" if floor is None or ratio is None else ("yes" if r.get("ok", ratio >= floor) else "**missed**")
        note = f" ({r['note']})" if r.get("note") else ""
        out.append(f"| {r['case']}{note} | {_number(r.get('ours'))} {unit} | {beside} | {_number(ratio)} | {_number(floor)} | {state} |")
    return out


def page(results: list[dict[str, Any]]) -> str:
    """The part of docs/performance.md that is made from the results."""
    out = []
    for result in results:
        out += [f"### {TITLES.get(result['what'], result['what'])}", "",
                f"`weft bench {result['what']} --save`, {result['day']}, commit {result['commit']}, {result['machine']}.", "", *table(result), ""]  # fmt: skip
    return "\n".join(out)


def fill(text: str, inside: str) -> str:
    """A page with new text between its marks; ValueError without marks."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page lacks the marks {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n\n{inside}\n{END}{tail}"


def stored(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """All results, in the order of the pipeline."""
    found = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in folder.glob("*.json")}
    return [found[n] for n in (*TITLES, *sorted(set(found) - set(TITLES))) if n in found]


def _number(x: Any) -> str:
    if x is None or isinstance(x, str):
        return x or ""
    if isinstance(x, int) or abs(x) >= 1000:
        return f"{x:,.0f}"
    return f"{x:.3g}"


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _today() -> str:
    import datetime

    return datetime.date.today().isoformat()


def main(arguments: list[str]) -> int:
    path = ROOT / "docs" / "performance.md"
    old = path.read_text(encoding="utf-8")
    new = fill(old, page(stored()))
    if "--check" in arguments:
        print("docs/performance.md is " + ("current" if new == old else "stale: python -m benchmarks.results"))
        return int(new != old)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
