from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class WordRepetition(TextRule):
    """Share of word n-grams that occur more than once. At most 0.1, 5-grams."""

    name: ClassVar[str] = "paragraph.word_repetition"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_word_repetition",)
    parameters: ClassVar[tuple[str, ...]] = ("n",)
    max: float | None = 0.1
    n: int = 5

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_word_repetition": item.word_repetition(self.n)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_word_repetition", None, "max")
