from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class Capitals(TextRule):
    """Share of letters that are capitals; none below 10 letters. At most 0.5."""

    name: ClassVar[str] = "paragraph.capitals"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023), appendix G.2 (line-wise corrections)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_capitals",)
    parameters: ClassVar[tuple[str, ...]] = ("min_letters",)
    max: float | None = 0.5
    min_letters: int = 10

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_capitals": item.n_upper / item.n_letters} if item.n_letters >= self.min_letters else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_capitals", None, "max")
