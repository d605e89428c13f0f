"""The results page and its plots, from the log alone: equal logs give equal bytes."""

from __future__ import annotations

import json
import os
from typing import Any

from ablation.claims import FINDINGS, Finding
from ablation.plot import ranges
from ablation.table import Row, Spread, chance, pooled, rows
from ablation.verdict import summary, verdicts

LOG = "log.jsonl"
SAYS = {1: "**agrees**, beyond the seeds' range", -1: "**does not agree**, beyond the seeds' range", 0: "not apart at this scale"}


def write(log: str, page: str) -> list[str]:
    """Write `page` (Markdown) and beside it `<name>/finding-*.svg` from a log; the files written.

    ValueError if the log has no line.
    """
    with open(log, encoding="utf-8") as f:
        lines = [json.loads(line) for line in f if line.strip()]
    if not lines:
        raise ValueError(f"{log}: no arm has finished yet")
    stem = os.path.splitext(os.path.basename(page))[0]
    folder = os.path.join(os.path.dirname(os.path.abspath(page)), stem)
    os.makedirs(folder, exist_ok=True)
    results = {key: found for key in FINDINGS if (found := rows(lines, key))}
    parts, written = [_head(lines), _summary(results)], []
    for key, found in results.items():
        finding = FINDINGS[key]
        file = os.path.join(folder, f"finding-{key}.svg")
        usual = chance(found[0].lines[0])
        svg = ranges(f"{finding.title}: mean over skills", [(r.name, r.scores["average"]) for r in found], sum(usual.values()) / len(usual))
        with open(file, "w", encoding="utf-8") as f:
            f.write(svg)
        written.append(file)
        parts.append(_section(key, finding, found, f"{stem}/finding-{key}.svg"))
    with open(page, "w", encoding="utf-8") as f:
        f.write("\n".join(parts))
    return [page, *written]


def _head(lines: list[dict[str, Any]]) -> str:
    once = list({x["key"]: x for x in lines}.values())
    seeds, scale = len({x["seed"] for x in lines}), lines[0]["scale"]
    wall, cpu = sum(x["wall"] for x in once), sum(x["cpu"] for x in once)
    size = f"{min(x['parameters'] for x in once) / 1e6:.2f} to {max(x['parameters'] for x in once) / 1e6:.2f} M parameters"
    return f"""# The paper's six findings in miniature, and the data's own ablation

Made by `weft ablate --page` from a log with one line per arm and seed; nothing here is typed in by hand.

Scale `{scale}`, {sum(len(x["roles"]) for x in once)} rows of arm and seed ({len(once)} trainings, as equal arms are trained once), {seeds} seeds, {size}.
Training took {cpu / 60:.0f} minutes of CPU time summed over trainings, one core each ({wall / 60:.0f} minutes by the clock, which counts what else the
machine did); the backbones and the pipeline's runs are not in that sum.

**How to read it.** Pictures are rendered, models tiny: scores compare arms of one table and nothing else, least of all the paper's own
numbers. A cell is the share of right answers on held-out questions, mean over seeds, with the lowest and highest seed in brackets. Two
arms count as apart only if every seed of one lies above every seed of the other. What does not agree with the paper stays on the page.

## How it is made

<!-- not run: hours; tests/ablation runs small forms -->
```bash
weft ablate --finding all --scale tiny --seeds 3 -o DIR     # the log, DIR/log.jsonl; run again to go on
weft ablate --page docs/ablation.md -o docs/ablation        # this page and its plots, from the log beside it
```

- Questions: rendered pictures of 128 pixels, one answer token, greedy; right = the answer and then the end of the turn. One combination
  of shape and colour in four, and one of the longer ones (letter, ink and height ...) in five, is held out from training. `count` 1 to 4, eight colours, six shapes, four
  relations, eight letters in three heights, a box's own proportions, and `lookup`: two named pictures, then one of the same kind.
  Chance for `lookup` is one of the two names in sight. A model that has learned which combinations exist, and not to look, falls
  *below* chance, as those are not the ones that it is asked for.
- Backbones are made here: the tower by contrast on rendered pairs, the language model on text of the curated demo web and on the same
  kinds of cases told in words. "Short" is a tenth of the long training.
- Arms are overrides of one recipe (`configs/recipes/ablation-{scale}.toml`); equal steps and equal tokens a step, pictures as they fall:
  the second table of each finding counts them. LoRA and full training of what is pre-trained go at a quarter and a tenth of the rate.
- `data`: the demo web through the pipeline with other rules. Every arm's trainer takes of a page the pictures and the first 24 words of
  the paragraphs beside them, the picture before the paragraph that precedes it (except the arms about placement).
- `mini` is written for a GPU and has not been run: none was at hand.
"""


def _summary(results: dict[str, list[Row]]) -> str:
    """A line a finding: what separates at this scale, and what does not."""
    out = [
        "## What came of it\n",
        "A pair of arms is apart if their averages over skills are, beyond the range of the seeds; so for the two arms of a claim.\n",
    ]
    out += [
        _row("finding", "skills above chance in some arm", "pairs of arms apart", "claims", "the paper's direction"),
        _row(*["---"] * 5),
    ]
    for key, found in results.items():
        out.append(_row(f"{_name(key)}: {FINDINGS[key].title}", *summary(FINDINGS[key], found)))
    return "\n".join(out) + "\n"


def _name(key: str) -> str:
    return "Data" if key == "data" else f"Finding {key}"


def _section(key: str, f: Finding, found: list[Row], plot: str) -> str:
    usual = chance(found[0].lines[0])
    skills = list(usual)
    out = [f"\n## {_name(key)}. {f.title}\n", f"*The paper:* {f.paper}\n", f.caveat + "\n" if f.caveat else "", f"![{f.title}]({plot})\n"]
    out += [_row("arm", *skills, "average"), _row("---", *["---"] * (len(skills) + 1))]
    out.append(_row("*chance*", *(f"{usual[s]:.2f}" for s in skills), f"{sum(usual.values()) / len(usual):.2f}"))
    out += [_row(r.name, *(_cell(r.scores[s]) for s in (*skills, "average"))) for r in found]
    out += [
        "",
        _row("arm", "loss", "pictures", "tokens", "trains (M)", "GFLOP a step", "CPU s", "wall s", "peak MB", "diverged"),
        _row(*["---"] * 10),
    ]
    for r in found:
        out.append(
            _row(
                r.name, f"{r.mean('loss'):.3f}", f"{r.mean('images'):,.0f}", f"{r.mean('tokens'):,.0f}", f"{r.mean('trains') / 1e6:.2f}",
                f"{r.mean('gflop_a_step'):.1f}", f"{r.mean('cpu'):.0f}", f"{r.mean('wall'):.0f}", f"{r.mean('memory_mb'):.0f}", f"{r.diverged} of {len(r.lines)}",
            )
        )  # fmt: skip
    details = _details(found)
    out += ["", *details] if details else []
    out += ["", _row("claim", "better", "worse", "says"), _row("---", "---", "---", "---")]
    for c, x, y, sign in verdicts(f, found):
        what = c.text if c.skill == "average" else f"{c.text} ({c.skill})"
        out.append(_row(what, f"{c.better}: {_cell(x)}", f"{c.worse}: {_cell(y)}", SAYS[sign]))
    return "\n".join(x for x in out if x is not None) + "\n"


def _details(found: list[Row]) -> list[str]:
    """Letters by height, skills by the picture's shape: where a skill has such parts and there is more than one."""
    skill = "letter" if any("letter" in x["scores"] for r in found for x in r.lines) else ""
    shapes = {d for r in found for x in r.lines for d in x["scores"].get("box", {}) if d}
    out: list[str] = []
    for name, what in (("letter", skill), ("box", "box" if len(shapes) > 1 else "")):
        if not what:
            continue
        parts = sorted(
            {d for r in found for x in r.lines for d in x["scores"].get(what, {}) if d},
            key=lambda d: [int(n) for n in d.replace("px", "").replace("x", "-").split("-")],
        )
        out += [_row(f"{name}, all seeds, 95 % interval", *parts), _row(*["---"] * (len(parts) + 1))]
        for r in found:
            cells = [pooled(r, what, d) for d in parts]
            out.append(_row(r.name, *(f"{a}/{n} [{low:.2f}, {high:.2f}]" for a, n, low, high in cells)))
        out.append("")
    return out


def _cell(s: Spread) -> str:
    return f"{s.mean:.2f} [{s.low:.2f}, {s.high:.2f}]" if s.mean == s.mean else "none"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
