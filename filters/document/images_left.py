from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, between
from filters.text.document import DocumentView


@dataclass(frozen=True)
class ImagesLeft(Rule):
    """Images left at the end, after fetching, scoring and deduplication. 1 to 30."""

    name: ClassVar[str] = "document.images_left"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    at: ClassVar[At] = At.SELECT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml"
    measures: ClassVar[tuple[str, ...]] = ("final_images",)
    min: int | None = 1
    max: int | None = 30

    def measure(self, item: DocumentView) -> Measures:
        return {"final_images": float(item.n_images)}

    def limits(self) -> tuple[Limit, ...]:
        return between("final_images", self.name, self.min, self.max)
