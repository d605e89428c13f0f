from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class SpamWords(TextRule):
    """Share of words that share bars, cookie banners and sign-up boxes use; none without a list. At most 0.12."""

    name: ClassVar[str] = "paragraph.spam_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3 and step 13; list: filters/text/words.py"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_spam_words",)
    max: float | None = 0.12

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        if not page.lexicon.spam:
            return {}
        return {"paragraph_spam_words": page.share_of_words("spam")}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_spam_words", None, "max")
