from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, above


@dataclass(frozen=True)
class Blankness(Rule):
    """Share of pixels in the most frequent colour. At most 0.95."""

    name: ClassVar[str] = "image.blankness"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "our own"
    measures: ClassVar[tuple[str, ...]] = ("image_blankness",)
    max: float | None = 0.95

    def measure(self, item: Any) -> Measures:
        return {} if item.blankness is None else {"image_blankness": float(item.blankness)}

    def limits(self) -> tuple[Limit, ...]:
        return above("image_blankness", self.name, self.max)
