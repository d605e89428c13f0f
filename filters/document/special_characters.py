from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class SpecialCharacters(TextRule):
    """Share of characters that are neither letters nor marks: white space, digits, punctuation, symbols, emoji. At most 0.275."""

    name: ClassVar[str] = "document.special_characters"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("doc_special_characters",)
    max: float | None = 0.275

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_special_characters": item.n_special / item.n_chars} if item.n_chars else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_special_characters", None, "max")
