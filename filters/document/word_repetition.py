from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class WordRepetition(TextRule):
    """Share of word n-grams that occur more than once. At most 0.2, 5-grams."""

    name: ClassVar[str] = "document.word_repetition"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("doc_word_repetition",)
    parameters: ClassVar[tuple[str, ...]] = ("n",)
    max: float | None = 0.2
    n: int = 5

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_word_repetition": item.word_repetition(self.n)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_word_repetition", None, "max")
