from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class WordCount(TextRule):
    """Words of a paragraph. Default 4 to 1000."""

    name: ClassVar[str] = "paragraph.word_count"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_words",)
    min: int | None = 4
    max: int | None = 1000

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_words": page.n_words.astype(float)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_words")
