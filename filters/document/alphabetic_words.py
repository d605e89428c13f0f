from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class AlphabeticWords(TextRule):
    """Share of words with at least one letter. At least 0.8."""

    name: ClassVar[str] = "document.alphabetic_words"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_alphabetic_words",)
    min: float | None = 0.8

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_alphabetic_words": item.n_words_that_are("alphabetic") / item.n_words} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_alphabetic_words", "min", None)
