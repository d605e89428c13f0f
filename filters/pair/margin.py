from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, below


@dataclass(frozen=True)
class Margin(Rule):
    """Best similarity of an image with the texts beside it, less its mean similarity with texts of other pages: how much better it fits
    here than anywhere. At least 0.
    """

    name: ClassVar[str] = "pair.margin"
    unit: ClassVar[Unit] = Unit.PAIR
    at: ClassVar[At] = At.SELECT
    source: ClassVar[str] = "our own: corrects for pictures that resemble every text"
    measures: ClassVar[tuple[str, ...]] = ("pair_margin",)
    min: float | None = 0.0

    def measure(self, item: Any) -> Measures:
        return {} if item.margin is None else {"pair_margin": float(item.margin)}

    def limits(self) -> tuple[Limit, ...]:
        return below("pair_margin", self.name, self.min)
