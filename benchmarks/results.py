"""Measured rows on record, and the pages made of them.

    weft bench WHAT --save            measure, and put the rows into benchmarks/results/WHAT.json
    python -m benchmarks.results      write docs/performance.md, docs/results.md and the README's table from these files (--check: say what is stale)

A file holds the rows as the benchmark printed them, the day, the machine and the commit. What was never measured is left out.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import plot
from benchmarks.cost import table as cost_of

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- results: begin (python -m benchmarks.results) -->", "<!-- results: end -->"
TITLES = {
    "extract": "Extraction", "chain": "Archive to judged documents", "dedup": "Deduplication", "fetch": "Fetching", "score": "Images and CLIP", "pack": "Packing", "verify": "Verifying",
    "audit": "Auditing a million documents", "load": "The trainer's loader", "train": "Ten minutes of training on the demo web", "pipeline": "Whole pipeline", "growth": "Growth of the whole pipeline with its input", "pii": "Personal data",
}  # fmt: skip
HEADLINES = {  # what the README shows of a part, by the beginnings of its cases; of other parts the first that a goal was set for; what missed its goal always
    "extract": ("speed vs trafilatura fast", "judged speed vs trafilatura fast"),
    "chain": ("WARC to judged documents", "WARC to signatures"),
    "fetch": ("bare loop, 512", "img2dataset", "healthy hosts", "violations"),
    "load": ("documents as bytes", "pictures of 1024 px to 378 px"),
    "train": ("curated: all", "uncurated: all"),
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
    return [
        "| case | Weft | beside | ratio | asked | |",
        "|---|---|---|---|---|---|",
        *("| " + " | ".join(cells(r)) + " |" for r in _cases(result)),
    ]


def cells(r: dict[str, Any]) -> list[str]:
    """Case, ours, what it stands beside, ratio, the ratio asked for, and whether that was reached."""
    unit, peer = r.get("unit") or "", r.get("peer")
    name = r.get("peer_name") or (peer if isinstance(peer, str) else "")
    beside = name if isinstance(peer, str) or peer is None else f"{_number(peer)} {unit if not name else name}".strip()
    note = f" ({r['note']})" if r.get("note") else ""
    return [
        f"{r['case']}{note}",
        f"{_number(r.get('ours'))} {unit}",
        beside,
        _number(r.get("ratio")),
        _number(r.get("floor_ratio")),
        reached(r),
    ]


def reached(r: dict[str, Any]) -> str:
    """ "yes", "**missed**", or nothing where no goal was set."""
    ratio, floor = r.get("ratio"), r.get("floor_ratio")
    return "" if floor is None or ratio is None else ("yes" if r.get("ok", ratio >= floor) else "**missed**")


def headlines(results: list[dict[str, Any]]) -> str:
    """The README's table: of each part that was measured the rows that HEADLINES names, and every missed goal."""
    chosen = []
    for result in results:
        rows = _cases(result)
        starts = HEADLINES.get(result["what"]) or tuple(r["case"] for r in rows if reached(r))[:1]
        first = [next((r for r in rows if r["case"].startswith(s)), None) for s in starts]
        chosen += [(result, r) for r in rows if any(r is f for f in first) or reached(r) == "**missed**"]
    return _of_parts(chosen)


def goals(results: list[dict[str, Any]]) -> str:
    """The table of docs/results.md: every row that a goal was set for, and how many were reached."""
    asked = [(result, r) for result in results for r in _cases(result) if reached(r)]
    met = sum(reached(r) == "yes" for _, r in asked)
    return f"Of {len(asked)} goals that have been measured {met} are reached.\n\n{_of_parts(asked)}"


def _of_parts(chosen: list[tuple[dict[str, Any], dict[str, Any]]]) -> str:
    lines = ["| part | case | Weft | beside | ratio | asked | |", "|---|---|---|---|---|---|---|"]
    last = None
    for result, r in chosen:
        part = TITLES.get(result["what"], result["what"]) if result["what"] != last else ""
        lines.append("| " + " | ".join([part, *cells(r)]) + " |")
        last = result["what"]
    return "\n".join(lines) + "\n"


def _cases(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [r for r in result["rows"] if "case" in r]


def page(results: list[dict[str, Any]]) -> str:
    """The part of docs/performance.md that is made from the results."""
    out, drawn = [], plots(results)
    for result in results:
        what, title = result["what"], TITLES.get(result["what"], result["what"])
        out += [
            f"### {title}",
            "",
            f"`weft bench {what} --save`, {result['day']}, commit {result['commit']}, {result['machine']}.",
            "",
            *table(result),
            "",
        ]
        for name in (n for n in drawn if n == what or n.startswith(f"{what}-")):
            out += [f"![{title}]({PLOTS}/{name}.svg)", ""]
        if cost := cost_of(result, judged_rate(results)):
            out += ["#### What a million pages cost", "", *cost, ""]
    return "\n".join(out)


def judged_rate(results: list[dict[str, Any]]) -> float | None:
    """Real pages that one core judges in a second."""
    rows = [r for result in results if result["what"] == "extract" for r in _cases(result)]
    return next((r["ours"] for r in rows if r["case"].startswith("judged speed")), None)


def plots(results: list[dict[str, Any]]) -> dict[str, str]:
    """SVG by name: the ratios of each part that has several, and its curves."""
    out = {}
    for result in results:
        what, title = result["what"], TITLES.get(result["what"], result["what"])
        rows = [r for r in _cases(result) if (r.get("ratio") or 0) > 0]
        if len(rows) > 1:
            cases = [r["case"] for r in rows]
            names = [
                f"{case}: {str(r.get('peer_name') or '').removeprefix(r.get('unit', '')).strip()}".rstrip(": ")
                if cases.count(case) > 1
                else case
                for r, case in zip(rows, cases, strict=True)
            ]
            found = [
                plot.Ratio(n, r["ratio"], r.get("floor_ratio") or None, reached(r) == "**missed**")
                for n, r in zip(names, rows, strict=True)
            ]
            out[what] = plot.ratios(title, found)
        for name, lines in next((r["curves"] for r in _cases(result) if "curves" in r), {}).items():
            every = [plot.Line(line, points, colour) for (line, points), colour in zip(lines.items(), plot.COLOURS, strict=False)]
            out[f"{what}-{name.split(',')[0].replace(' ', '-').lower()}"] = plot.lines(f"{title}: {name}", "pages", every)
    return out


PLOTS = "performance"  # a folder beside the page
PAGES = {"docs/performance.md": page, "docs/results.md": goals, "README.md": headlines}


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
    results, stale = stored(), []
    for name, inside in PAGES.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8")
        if (new := fill(old, inside(results))) != old:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(new, encoding="utf-8")
    folder, drawn = ROOT / "docs" / PLOTS, {f"{name}.svg": svg for name, svg in plots(results).items()}
    there = {p.name: p.read_text(encoding="utf-8") for p in folder.glob("*.svg")}
    if there != drawn:
        stale.append(f"docs/{PLOTS}")
        if "--check" not in arguments:
            folder.mkdir(exist_ok=True)
            for name in there.keys() - drawn:
                (folder / name).unlink()
            for name, svg in drawn.items():
                (folder / name).write_text(svg, encoding="utf-8")
    if "--check" in arguments:
        print(f"stale: {', '.join(stale)}; run: python -m benchmarks.results" if stale else "all pages are current")
        return int(bool(stale))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
