from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, below


@dataclass(frozen=True)
class Entropy(Rule):
    """Entropy of the grey-level histogram in bits (0 = one level, 8 = all levels alike). At least 2."""

    name: ClassVar[str] = "image.entropy"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "our own: plain shapes and text banners lie below, photographs above 5"
    measures: ClassVar[tuple[str, ...]] = ("image_entropy",)
    min: float | None = 2.0

    def measure(self, item: Any) -> Measures:
        return {} if item.entropy is None else {"image_entropy": float(item.entropy)}

    def limits(self) -> tuple[Limit, ...]:
        return below("image_entropy", self.name, self.min)
