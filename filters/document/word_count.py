from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class WordCount(TextRule):
    """Words of the kept text of a document. Default 10 to 2000."""

    name: ClassVar[str] = "document.word_count"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("doc_words",)
    min: int | None = 10
    max: int | None = 2000

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_words": float(item.n_words)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_words")
