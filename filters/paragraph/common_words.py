from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


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

    def measure(self, item: TextView) -> Measures:
        return (
            {"paragraph_common_words": item.n_words_that_are("common") / item.n_words} if item.n_words and item.has_list("common") else {}
        )

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_common_words", "min", None)
