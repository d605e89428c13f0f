from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class Symbols(TextRule):
    """Hash signs, and separately ellipses, per word. At most 0.1 each."""

    name: ClassVar[str] = "document.symbols"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "Gopher / MassiveText (Rae et al. 2021), appendix A1.1"
    measures: ClassVar[tuple[str, ...]] = ("doc_hashes", "doc_ellipses")
    max: float | None = 0.1

    def measure(self, item: DocumentView) -> Measures:
        words = item.n_words
        if not words:
            return {}
        text = item.text
        return {"doc_hashes": text.count("#") / words, "doc_ellipses": (text.count("...") + text.count("\u2026")) / words}

    def limits(self) -> tuple[Limit, ...]:
        return (*self.bounds("doc_hashes", None, "max"), *self.bounds("doc_ellipses", None, "max"))
