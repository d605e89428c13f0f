from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, above


@dataclass(frozen=True)
class Nsfw(Rule):
    """Probability that the picture is pornographic; none without a model. At most 0.85."""

    name: ClassVar[str] = "image.nsfw"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) step 07: porn > 0.85"
    measures: ClassVar[tuple[str, ...]] = ("image_nsfw",)
    max: float | None = 0.85

    def measure(self, item: Any) -> Measures:
        return {} if item.nsfw is None else {"image_nsfw": float(item.nsfw)}

    def limits(self) -> tuple[Limit, ...]:
        return above("image_nsfw", self.name, self.max)
