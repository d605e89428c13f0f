from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import At, Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class TextLeft(TextRule):
    """Words left at the end, after deduplication of paragraphs. At least 10."""

    name: ClassVar[str] = "document.text_left"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    at: ClassVar[At] = At.SELECT
    source: ClassVar[str] = (
        "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (10 words; step 10 drops documents left without text)"
    )
    measures: ClassVar[tuple[str, ...]] = ("final_words",)
    min: int | None = 10
    max: int | None = None

    def measure(self, item: DocumentView) -> Measures:
        return {"final_words": float(item.n_words)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("final_words")
