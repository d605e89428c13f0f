from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class StopWords(TextRule):
    """Share of words that are among the 300 most frequent of the language; none without a list. At least 0.3."""

    name: ClassVar[str] = "paragraph.stop_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml; list: filters/text/words.py"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_stop_words",)
    min: float | None = 0.3

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        if not page.lexicon.stop:
            return {}
        return {"paragraph_stop_words": page.share_of_words("stop")}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_stop_words", "min", None)
