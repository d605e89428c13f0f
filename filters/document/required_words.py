from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class RequiredWords(TextRule):
    """Occurrences of the words the, be, to, of, and, that, have, with. At least 2; English only."""

    name: ClassVar[str] = "document.required_words"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_required_words",)
    min: int | None = 2

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_required_words": float(item.n_words_that_are("required"))} if item.language == "en" else {}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_required_words", "min", None)
