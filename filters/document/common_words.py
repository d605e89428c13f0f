from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class CommonWords(TextRule):
    """Share of words known to the frequency list of the language, numbers included; none without a list. At least 0.9."""

    name: ClassVar[str] = "document.common_words"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = (
        "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (words twice in 10M OSCAR documents; here: wordfreq)"
    )
    measures: ClassVar[tuple[str, ...]] = ("doc_common_words",)
    min: float | None = 0.9

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_common_words": item.n_words_that_are("common") / item.n_words} if item.n_words and item.has_list("common") else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_common_words", "min", None)
