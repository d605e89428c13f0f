from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class Digits(TextRule):
    """Share of characters that are digits. Below 0.5 (a line of numbers only is 0.5 and more)."""

    name: ClassVar[str] = "paragraph.digits"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023), appendix G.2 (line-wise corrections)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_digits",)
    max: float | None = 0.5

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_digits": item.n_digits / item.n_chars} if item.n_chars else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_digits", None, "max")
