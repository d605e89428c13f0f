from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class SpecialCharacters(TextRule):
    """Share of characters that are neither letters nor marks: white space, digits, punctuation, symbols, emoji. At most 0.3."""

    name: ClassVar[str] = "paragraph.special_characters"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_special_characters",)
    max: float | None = 0.3

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_special_characters": item.n_special / item.n_chars} if item.n_chars else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_special_characters", None, "max")
