from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text.page import Page


@dataclass(frozen=True)
class CharacterRepetition(TextRule):
    """Share of character n-grams taken by the most frequent kinds (the first sqrt of the number of kinds). At most 0.1, 10-grams."""

    name: ClassVar[str] = "paragraph.character_repetition"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_character_repetition",)
    parameters: ClassVar[tuple[str, ...]] = ("n",)
    max: float | None = 0.1
    n: int = 10

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_character_repetition": page.character_repetition(self.n)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_character_repetition", None, "max")
