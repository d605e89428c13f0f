from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class FlaggedWords(TextRule):
    """Share of words on the list of obscene words. At most 0.01."""

    name: ClassVar[str] = "paragraph.flagged_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml; list: filters/text/words.py"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_flagged_words",)
    max: float | None = 0.01

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_flagged_words": page.share_of_words("flagged")}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_flagged_words", None, "max")
