from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class PlaceholderText(TextRule):
    """Occurrences of placeholder and code marks: 'lorem ipsum' and the curly bracket. 0 of each."""

    name: ClassVar[str] = "document.placeholder_text"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "C4 (Raffel et al. 2020), section 2.2"
    measures: ClassVar[tuple[str, ...]] = ("doc_lorem_ipsum", "doc_curly_brackets")
    max: int | None = 0
    max_brackets: int | None = 0

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_lorem_ipsum": float(item.lower.count("lorem ipsum")), "doc_curly_brackets": float(item.text.count("{"))}

    def limits(self) -> tuple[Limit, ...]:
        return (*self.bounds("doc_lorem_ipsum", None, "max"), *self.bounds("doc_curly_brackets", None, "max_brackets"))
