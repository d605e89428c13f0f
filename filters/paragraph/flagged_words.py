from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class FlaggedWords(TextRule):
    """Share of words on the list of obscene words. At most 0.01."""

    name: ClassVar[str] = "paragraph.flagged_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml; list: filters/text/words.py"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_flagged_words",)
    max: float | None = 0.01

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_flagged_words": item.n_words_that_are("flagged") / item.n_words} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_flagged_words", None, "max")
