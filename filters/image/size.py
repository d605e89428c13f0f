from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, above, below


@dataclass(frozen=True)
class Size(Rule):
    """Shorter and longer side of the decoded image in pixels. 150 to 20,000."""

    name: ClassVar[str] = "image.size"
    unit: ClassVar[Unit] = Unit.IMAGE
    at: ClassVar[At] = At.SCORE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("image_min_side", "image_max_side")
    min: int | None = 150
    max: int | None = 20_000

    def measure(self, item: Any) -> Measures:
        if not item.width or not item.height:
            return {}
        return {"image_min_side": float(min(item.width, item.height)), "image_max_side": float(max(item.width, item.height))}

    def limits(self) -> tuple[Limit, ...]:
        return (*below("image_min_side", self.name, self.min), *above("image_max_side", self.name, self.max))
