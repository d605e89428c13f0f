"""The reference page of reasons: why something can be dropped."""

from __future__ import annotations

import inspect
import re

from filters.registry import rules
from schemas.reasons import Reason, unit_of

_LINE = re.compile(r'^\s+(\w+) = "([^"]+)"(?:\s+# (.+))?$')


def meanings() -> dict[str, str]:
    """Reason -> the comment beside it in schemas/reasons.py."""
    lines = inspect.getsource(Reason).splitlines()
    return {m[2]: m[3] or "" for m in map(_LINE.match, lines) if m}


def markdown() -> str:
    said = meanings()
    out = [
        "# Reasons", "", "Generated from `schemas/reasons.py` and the rules by `make reference`.", "",
        "A reason names why something was dropped, in tables, report, explorer and `weft why` alike. Its first word is the unit.", "",
        "## Given by the stages", "", "| unit | reason | meaning |", "|---|---|---|",
    ]  # fmt: skip
    out += [f"| {unit_of(r.value)} | `{r.value}` | {said[r.value] or r.name.replace('_', ' ').lower()} |" for r in Reason]
    out += [
        "", "## Given by the rules", "",
        "`<rule>.below` and `<rule>.above`: the measure lies beyond that limit. Limits that are off by default are not listed.", "",
        "| reason | column | default limit |", "|---|---|---|",
    ]  # fmt: skip
    for rule in rules().values():
        out += [f"| `{x.reason}` | `{x.measure}` | {x.value:g} |" for x in rule().limits() if not x.only and not x.but]
    return "\n".join(out) + "\n"
