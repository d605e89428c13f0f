from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class SpamWords(TextRule):
    """Share of words that share bars, cookie banners and sign-up boxes use; none without a list. At most 0.12."""

    name: ClassVar[str] = "paragraph.spam_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3 and step 13; list: filters/text/words.py"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_spam_words",)
    max: float | None = 0.12

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_spam_words": item.n_words_that_are("spam") / item.n_words} if item.n_words and item.has_list("spam") else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_spam_words", None, "max")
