from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView

PHRASES = ("javascript", "lorem ipsum", "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")


@dataclass(frozen=True)
class BoilerplatePhrases(TextRule):
    """Occurrences of phrases that web applications and legal notices leave behind. None."""

    name: ClassVar[str] = "paragraph.boilerplate_phrases"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "C4 (Raffel et al. 2020), section 2.2 ('javascript', policy notices)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_boilerplate",)
    parameters: ClassVar[tuple[str, ...]] = ("phrases",)
    max: int | None = 0
    phrases: tuple[str, ...] = PHRASES

    def measure(self, item: TextView) -> Measures:
        low = item.lower
        return {"paragraph_boilerplate": float(sum(low.count(p) for p in self.phrases))}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_boilerplate", None, "max")
