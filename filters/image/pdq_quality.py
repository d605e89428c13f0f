from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, below


@dataclass(frozen=True)
class PdqQuality(Rule):
    """Quality of the PDQ hash, 0 to 100: how much detail it could take hold of. At least 50."""

    name: ClassVar[str] = "image.pdq_quality"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "ThreatExchange PDQ: hashes below quality 50 should not be matched"
    measures: ClassVar[tuple[str, ...]] = ("image_pdq_quality",)
    min: int | None = 50

    def measure(self, item: Any) -> Measures:
        return {} if item.pdq_quality is None else {"image_pdq_quality": float(item.pdq_quality)}

    def limits(self) -> tuple[Limit, ...]:
        return below("image_pdq_quality", self.name, self.min)
