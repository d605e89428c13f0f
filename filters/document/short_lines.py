from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class ShortLines(TextRule):
    """Share of lines of at most 30 characters. At most 0.67."""

    name: ClassVar[str] = "document.short_lines"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "FineWeb (Penedo et al. 2024), section 3.6"
    measures: ClassVar[tuple[str, ...]] = ("doc_short_lines",)
    parameters: ClassVar[tuple[str, ...]] = ("length",)
    max: float | None = 0.67
    length: int = 30

    def measure(self, item: DocumentView) -> Measures:
        lines = item.lines
        return {"doc_short_lines": sum(len(s) <= self.length for s in lines) / len(lines)} if lines else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_short_lines", None, "max")
