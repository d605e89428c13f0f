from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, above, below
from schemas.rows import Node


@dataclass(frozen=True)
class RenderedSize(Rule):
    """Shorter and longer side of an image as the page asks for it, in CSS pixels; a side that is not stated is not measured. 150 to
    20,000.
    """

    name: ClassVar[str] = "image.rendered_size"
    unit: ClassVar[Unit] = Unit.IMAGE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("image_rendered_min_side", "image_rendered_max_side")
    min: int | None = 150
    max: int | None = 20_000

    def measure(self, item: Node) -> Measures:
        sides = [s for s in (item.width, item.height) if s > 0]
        return {"image_rendered_min_side": float(min(sides)), "image_rendered_max_side": float(max(sides))} if sides else {}

    def limits(self) -> tuple[Limit, ...]:
        return (*below("image_rendered_min_side", self.name, self.min), *above("image_rendered_max_side", self.name, self.max))
