from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text import characters
from filters.text.page import Page


@dataclass(frozen=True)
class SpecialCharacters(TextRule):
    """Share of characters that are neither letters nor marks: white space, digits, punctuation, symbols, emoji. At most 0.3."""

    name: ClassVar[str] = "paragraph.special_characters"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_special_characters",)
    max: float | None = 0.3

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_special_characters": page.share_of_characters(characters.SPECIAL)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_special_characters", None, "max")
