from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, between
from schemas.rows import Node


@dataclass(frozen=True)
class RenderedAspectRatio(Rule):
    """Width / height as the page asks for it; none unless both are stated. 0.5 to 2."""

    name: ClassVar[str] = "image.rendered_aspect_ratio"
    unit: ClassVar[Unit] = Unit.IMAGE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("image_rendered_aspect_ratio",)
    min: float | None = 0.5
    max: float | None = 2.0

    def measure(self, item: Node) -> Measures:
        return {"image_rendered_aspect_ratio": item.width / item.height} if item.width > 0 and item.height > 0 else {}

    def limits(self) -> tuple[Limit, ...]:
        return between("image_rendered_aspect_ratio", self.name, self.min, self.max)
