from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class WordCount(TextRule):
    """Words of a paragraph. Default 4 to 1000."""

    name: ClassVar[str] = "paragraph.word_count"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_words",)
    min: int | None = 4
    max: int | None = 1000

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_words": float(item.n_words)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_words")
