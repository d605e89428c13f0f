from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, between
from filters.text.document import DocumentView


@dataclass(frozen=True)
class ImageCount(Rule):
    """Images not dropped so far. At least 1: later stages only lose images, so a page without any can go before anything is fetched. The
    upper limit stands in document.images_left.
    """

    name: ClassVar[str] = "document.image_count"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = (
        "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml; OmniCorpus (Li et al. 2024) section 3"
    )
    measures: ClassVar[tuple[str, ...]] = ("doc_images",)
    min: int | None = 1
    max: int | None = None

    def measure(self, item: DocumentView) -> Measures:
        return {"doc_images": float(item.n_images)}

    def limits(self) -> tuple[Limit, ...]:
        return between("doc_images", self.name, self.min, self.max)
