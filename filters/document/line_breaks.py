from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class LineBreaks(TextRule):
    """Line breaks per word. At most 0.3."""

    name: ClassVar[str] = "document.line_breaks"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = (
        "FineWeb (Penedo et al. 2024), section 3.6 (list filter, newlines / words; a blank line between paragraphs counts as one break)"
    )
    measures: ClassVar[tuple[str, ...]] = ("doc_line_breaks",)
    max: float | None = 0.3

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_line_breaks": max(0, len(item.lines) - 1) / item.n_words} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_line_breaks", None, "max")
