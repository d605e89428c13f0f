from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class TopNgrams(TextRule):
    """Characters of the most frequent word 2-, 3- and 4-gram as a share of the characters of words. At most 0.20, 0.18 and 0.16."""

    name: ClassVar[str] = "document.top_ngrams"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1, Table A1"
    measures: ClassVar[tuple[str, ...]] = ("doc_top_2gram", "doc_top_3gram", "doc_top_4gram")
    max_2: float | None = 0.20
    max_3: float | None = 0.18
    max_4: float | None = 0.16

    def measure(self, item: DocumentView) -> Measures:
        return {f"doc_top_{n}gram": item.top_ngram_share(n) for n in (2, 3, 4)} if item.n_words else {}

    def limits(self) -> tuple[Limit, ...]:
        return tuple(x for n in (2, 3, 4) for x in self.bounds(f"doc_top_{n}gram", None, f"max_{n}"))
