from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.sentences import TERMINAL
from filters.text.view import TextView


@dataclass(frozen=True)
class TerminalPunctuation(TextRule):
    """1 if a paragraph ends with a mark that ends sentences, else 0. At least 1 (headings go, too: a strict rule)."""

    name: ClassVar[str] = "paragraph.terminal_punctuation"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "C4 (Raffel et al. 2020), section 2.2"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_terminal",)
    min: int | None = 1

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_terminal": float(item.text.rstrip().endswith(TERMINAL))}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_terminal", "min", None)
