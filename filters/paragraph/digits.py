from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from filters.base import Limit, TextRule, Unit
from filters.text import characters
from filters.text.page import Page


@dataclass(frozen=True)
class Digits(TextRule):
    """Share of characters that are digits. Below 0.5 (a line of numbers only is 0.5 and more)."""

    name: ClassVar[str] = "paragraph.digits"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023), appendix G.2 (line-wise corrections)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_digits",)
    max: float | None = 0.5

    def columns(self, page: Page) -> dict[str, np.ndarray]:
        return {"paragraph_digits": page.share_of_characters(characters.DIGIT)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_digits", None, "max")
