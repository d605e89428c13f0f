from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class DuplicateNgrams(TextRule):
    """Characters inside word n-grams that occur more than once (overlaps counted once) as a share of the characters of words, for n = 5
    to 10. At most 0.15, 0.14, 0.13, 0.12, 0.11 and 0.10.
    """

    name: ClassVar[str] = "document.duplicate_ngrams"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1, Table A1"
    measures: ClassVar[tuple[str, ...]] = (
        "doc_duplicate_5grams",
        "doc_duplicate_6grams",
        "doc_duplicate_7grams",
        "doc_duplicate_8grams",
        "doc_duplicate_9grams",
        "doc_duplicate_10grams",
    )
    max_5: float | None = 0.15
    max_6: float | None = 0.14
    max_7: float | None = 0.13
    max_8: float | None = 0.12
    max_9: float | None = 0.11
    max_10: float | None = 0.1

    def measure(self, item: DocumentView) -> Measures:
        return {f"doc_duplicate_{n}grams": item.duplicate_ngram_share(n) for n in range(5, 11)} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return tuple(x for n in range(5, 11) for x in self.bounds(f"doc_duplicate_{n}grams", None, f"max_{n}"))
