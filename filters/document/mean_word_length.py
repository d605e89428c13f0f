from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class MeanWordLength(TextRule):
    """Mean number of characters of a word. 3 to 10."""

    name: ClassVar[str] = "document.mean_word_length"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_mean_word_length",)
    min: float | None = 3.0
    max: float | None = 10.0

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_mean_word_length": item.n_word_characters / item.n_words} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_mean_word_length")
