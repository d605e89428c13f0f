from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView
from filters.text.sentences import count


@dataclass(frozen=True)
class Sentences(TextRule):
    """Sentences, as counted by their end marks. At least 3."""

    name: ClassVar[str] = "document.sentences"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "C4 (Raffel et al. 2020), section 2.2 (3 sentences; the released C4 has 5 as well as 3 words a line)"
    measures: ClassVar[tuple[str, ...]] = ("doc_sentences",)
    min: int | None = 3

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_sentences": float(count(item.text))}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_sentences", "min", None)
