from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class CommonWords(TextRule):
    """Share of words known to the frequency list of the language, numbers included; none without a list. At least 0.8."""

    name: ClassVar[str] = "paragraph.common_words"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = (
        "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (words twice in 10M OSCAR documents; here: wordfreq)"
    )
    measures: ClassVar[tuple[str, ...]] = ("paragraph_common_words",)
    min: float | None = 0.8

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        if not page.lexicon.common:
            return {}
        return {"paragraph_common_words": page.share_of_words("common")}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_common_words", "min", None)
