from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView

COUNTER = re.compile(
    r"\W*\d[\d.,]*\s*[kmb]?\+?\s+(?:likes?|shares?|comments?|retweets?|reposts?|quotes?|bookmarks?|upvotes?|downvotes?|downloads?|followers?|"
    r"views?|replies|reply|votes?)\W*"
)


@dataclass(frozen=True)
class Counter(TextRule):
    """1 if a paragraph is only a counter, such as '3 likes' or '12,400 views', else 0. At most 0."""

    name: ClassVar[str] = "paragraph.counter"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "RefinedWeb (Penedo et al. 2023), appendix G.2 (line-wise corrections)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_counter",)
    max: int | None = 0

    def measure(self, item: TextView) -> Measures:
        return {"paragraph_counter": float(len(item.text) <= 40 and COUNTER.fullmatch(item.lower.strip()) is not None)}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_counter", None, "max")
