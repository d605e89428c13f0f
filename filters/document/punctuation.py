from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class Punctuation(TextRule):
    """Share of punctuation marks (, ; : ? ! . and their forms in other scripts) among words and marks together; none below `min_tokens`
    of them. At least 0.03.
    """

    name: ClassVar[str] = "document.punctuation"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("doc_punctuation",)
    parameters: ClassVar[tuple[str, ...]] = ("min_tokens",)
    min: float | None = 0.03
    min_tokens: int = 12

    def measure(self, item: DocumentView) -> Measures:
        marks = item.n_punctuation
        tokens = item.n_words + marks
        return {"doc_punctuation": marks / tokens} if tokens and tokens >= self.min_tokens else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_punctuation", "min", None)
