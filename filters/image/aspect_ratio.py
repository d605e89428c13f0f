from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, between


@dataclass(frozen=True)
class AspectRatio(Rule):
    """Width / height of the decoded image. 0.5 to 2."""

    name: ClassVar[str] = "image.aspect_ratio"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("image_aspect_ratio",)
    min: float | None = 0.5
    max: float | None = 2.0

    def measure(self, item: Any) -> Measures:
        return {"image_aspect_ratio": item.width / item.height} if item.width and item.height else {}

    def limits(self) -> tuple[Limit, ...]:
        return between("image_aspect_ratio", self.name, self.min, self.max)
