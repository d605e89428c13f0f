from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text import characters
from filters.text.page import Page, share


@dataclass(frozen=True)
class Punctuation(TextRule):
    """Share of punctuation marks (, ; : ? ! . and their forms in other scripts) among words and marks together; none below `min_tokens`
    of them. At least 0.001.
    """

    name: ClassVar[str] = "paragraph.punctuation"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_punctuation",)
    parameters: ClassVar[tuple[str, ...]] = ("min_tokens",)
    min: float | None = 0.001
    min_tokens: int = 12

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        marks = page.characters_with(characters.PUNCTUATION)
        tokens = page.n_words + marks
        ratio = share(marks, tokens)
        ratio[tokens < self.min_tokens] = np.nan
        return {"paragraph_punctuation": ratio}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_punctuation", "min", None)
