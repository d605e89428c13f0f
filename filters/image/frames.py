from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, above


@dataclass(frozen=True)
class Frames(Rule):
    """Frames of the file. At most 1: an animation is mostly decoration."""

    name: ClassVar[str] = "image.frames"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "our own: OBELICS takes no GIF at all, which drops animations with it"
    measures: ClassVar[tuple[str, ...]] = ("image_frames",)
    max: int | None = 1

    def measure(self, item: Any) -> Measures:
        return {"image_frames": float(item.frames)} if item.frames else {}

    def limits(self) -> tuple[Limit, ...]:
        return above("image_frames", self.name, self.max)
