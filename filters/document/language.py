from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView
from filters.text.languages import normalise


@dataclass(frozen=True)
class Language(TextRule):
    """Confidence of the document's language, at least 0.8, and, if `languages` names some, being one of them."""

    name: ClassVar[str] = "document.language"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("doc_language_score",)
    min: float | None = 0.8
    languages: tuple[str, ...] = ()

    def measure(self, item: DocumentView) -> Measures:
        return {} if item.language_score is None else {"doc_language_score": float(item.language_score)}

    def limits(self) -> tuple[Limit, ...]:
        wanted = self.bounds("doc_language_score", "min", None)
        if not self.languages:
            return wanted
        chosen = tuple(sorted({normalise(code) for code in self.languages}))
        # a score is never below 0: this limit fails for every language not chosen
        return (Limit("doc_language_score", "above", -1.0, f"{self.name}.not_wanted", but=chosen), *wanted)
