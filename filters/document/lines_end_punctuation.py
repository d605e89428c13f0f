from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView
from filters.text.sentences import TERMINAL


@dataclass(frozen=True)
class LinesEndPunctuation(TextRule):
    """Share of lines that end with a punctuation mark. At least 0.12."""

    name: ClassVar[str] = "document.lines_end_punctuation"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "FineWeb (Penedo et al. 2024), section 3.6"
    measures: ClassVar[tuple[str, ...]] = ("doc_lines_end_punctuation",)
    min: float | None = 0.12

    def measure(self, item: DocumentView) -> Measures:
        lines = item.lines
        return {"doc_lines_end_punctuation": sum(s.endswith(TERMINAL) for s in lines) / len(lines)} if lines else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_lines_end_punctuation", "min", None)
