from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, above


@dataclass(frozen=True)
class Watermark(Rule):
    """Probability of a watermark; none without a model. At most 0.8."""

    name: ClassVar[str] = "image.watermark"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "LAION-5B (Schuhmann et al. 2022): watermark tag 0.8"
    measures: ClassVar[tuple[str, ...]] = ("image_watermark",)
    max: float | None = 0.8

    def measure(self, item: Any) -> Measures:
        return {} if item.watermark is None else {"image_watermark": float(item.watermark)}

    def limits(self) -> tuple[Limit, ...]:
        return above("image_watermark", self.name, self.max)
