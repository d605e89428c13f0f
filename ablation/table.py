"""From log lines to what the page says: scores per arm over seeds, and whether two arms are apart beyond the seeds' range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ablation import cloze, scenes
from ablation.arms import arms
from ablation.score import wilson


@dataclass(frozen=True)
class Spread:
    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        values = [v for v in values if math.isfinite(v)]
        return cls(sum(values) / len(values), min(values), max(values)) if values else cls(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Row:
    """One arm: spreads over seeds by skill (and `average`), the seeds' lines."""

    name: str
    scores: dict[str, Spread]
    lines: list[dict[str, Any]]

    def mean(self, field: str) -> float:
        return Spread.of([float(x[field]) for x in self.lines]).mean

    @property
    def diverged(self) -> int:
        return sum(bool(x["diverged"]) or not x["loss"] < x["first_loss"] for x in self.lines)


def chance(line: dict[str, Any]) -> dict[str, float]:
    return cloze.CHANCE if line["ask"] == "cloze" else scenes.CHANCE


def share(line: dict[str, Any], skill: str, detail: str = "") -> float:
    """Share right; 0 where training diverged."""
    if not line["scores"]:
        return 0.0
    if skill == "average":
        return sum(share(line, s) for s in line["scores"]) / len(line["scores"])
    right, n = line["scores"].get(skill, {}).get(detail, (0, 0))
    return right / n if n else math.nan


def rows(lines: list[dict[str, Any]], finding: str) -> list[Row]:
    """Arms of a finding that the log has, in the order of `ablation.arms`; a training may be a row of several findings."""
    by_arm: dict[str, list[dict[str, Any]]] = {a.name: [] for a in arms(finding)}
    for line in lines:
        for of, arm in line["roles"]:
            if of == finding:
                by_arm.setdefault(arm, []).append(line)
    by_arm = {name: some for name, some in by_arm.items() if some}
    out = []
    for name, some in by_arm.items():
        skills = [*chance(some[0]), "average"]
        out.append(Row(name, {s: Spread.of([share(x, s) for x in some]) for s in skills}, sorted(some, key=lambda x: x["seed"])))
    return out


def apart(a: Spread, b: Spread) -> int:
    """1: every seed of `a` above every seed of `b`; -1 the other way round; 0: the ranges meet."""
    return 1 if a.low > b.high else -1 if a.high < b.low else 0


def pooled(row: Row, skill: str, detail: str = "") -> tuple[int, int, float, float]:
    """Right answers and questions over all seeds, with Wilson's 95 % interval (the seeds are asked the same questions)."""
    cells = [x["scores"][skill][detail] for x in row.lines if detail in x["scores"].get(skill, {})]
    right, n = sum(c[0] for c in cells), sum(c[1] for c in cells)
    return right, n, *wilson(right, n)
