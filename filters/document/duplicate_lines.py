from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView
from filters.text.repeats import repeated


@dataclass(frozen=True)
class DuplicateLines(TextRule):
    """Lines that occurred before: as a share of lines (at most 0.3) and of characters (at most 0.2)."""

    name: ClassVar[str] = "document.duplicate_lines"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = (
        "Gopher / MassiveText (Rae et al. 2021), appendix A1.1, Table A1; FineWeb (Penedo et al. 2024) section 3.6 has 0.1 of characters"
    )
    measures: ClassVar[tuple[str, ...]] = ("doc_duplicate_lines", "doc_duplicate_line_characters")
    max: float | None = 0.3
    max_characters: float | None = 0.2

    def measure(self, item: DocumentView) -> Measures:
        share, characters = repeated(item.lines)
        return {"doc_duplicate_lines": share, "doc_duplicate_line_characters": characters}

    def limits(self) -> tuple[Limit, ...]:
        return (*self.bounds("doc_duplicate_lines", None, "max"), *self.bounds("doc_duplicate_line_characters", None, "max_characters"))
