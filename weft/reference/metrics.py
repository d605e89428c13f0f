"""The reference page of what is counted while a run or a training works."""

from __future__ import annotations

from collections.abc import Mapping

from filters.registry import rules
from schemas import metrics


def markdown() -> str:
    out = [
        "# Metrics", "", "Made from the code: `python -m weft.reference`.", "",
        "What a run, a training and the rules write in numbers. What of it a finished run keeps, row by row, is in the [tables](tables.md); the measures of",
        "each [rule](../filters.md) are columns there.", "",
        "## A run, as it works", "", "`weft run --log-json` writes one JSON object a line to standard error. (Without it: bars on a terminal, otherwise a line every 30 s.)", "",
        *_table(metrics.RUN_EVENTS), "",
        "A stage's folder holds `timing.json` beside its manifest: `seconds` by the clock, `cpu_seconds` of the process tree that ran it (null without /proc; on a cluster",
        "only the driver's), `start_cpu_seconds` of them for guarded children that the driver started, until they were ready, `finished` since 1970. The counts are in `manifest.json` and always balance: entered = kept + dropped + dead.", "",
        "## A training", "", "`metrics.jsonl` in the output folder, one line a step; TensorBoard and Weights & Biases get the same numbers where the recipe asks for them.", "",
        *_table(metrics.TRAINING), "",
        "`bad.jsonl` beside it names each sample that could not be used; the plan of the batches stays as it was.", "", *_table(metrics.BAD_SAMPLES), "",
        "## Measures", "", "Every number that a rule takes, in the order of their names. A limit compares one of these.", "",
        "| measure | rule | judged at |", "|---|---|---|",
        *(f"| `{m}` | `{name}` | {rule.at} |" for m, name, rule in sorted((m, name, rule) for name, rule in rules().items() for m in rule.measures)), "",
    ]  # fmt: skip
    return "\n".join(out)


def _table(fields: Mapping[str, str]) -> list[str]:
    return ["| field | meaning |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in fields.items())]
