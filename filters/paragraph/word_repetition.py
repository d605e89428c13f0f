from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


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

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_word_repetition": page.word_repetition(self.n)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_word_repetition", None, "max")
