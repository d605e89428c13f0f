from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class EllipsisLines(TextRule):
    """Share of lines that end with an ellipsis. At most 0.3."""

    name: ClassVar[str] = "document.ellipsis_lines"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_ellipsis_lines",)
    max: float | None = 0.3

    def measure(self, item: DocumentView) -> Measures:
        lines = item.lines
        return {"doc_ellipsis_lines": sum(s.endswith(("...", "\u2026")) for s in lines) / len(lines)} if lines else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_ellipsis_lines", None, "max")
