from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text import characters
from filters.text.page import Page, share


@dataclass(frozen=True)
class Capitals(TextRule):
    """Share of letters that are capitals; none below 10 letters. At most 0.5."""

    name: ClassVar[str] = "paragraph.capitals"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023), appendix G.2 (line-wise corrections)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_capitals",)
    parameters: ClassVar[tuple[str, ...]] = ("min_letters",)
    max: float | None = 0.5
    min_letters: int = 10

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        letters = page.characters_with(characters.LETTER)
        ratio = share(page.characters_with(characters.UPPER), letters)
        ratio[letters < self.min_letters] = np.nan
        return {"paragraph_capitals": ratio}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_capitals", None, "max")
