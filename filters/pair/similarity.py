from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from filters.base import At, Limit, Measures, Rule, Unit, between


@dataclass(frozen=True)
class Similarity(Rule):
    """Cosine similarity of an image with the best of the texts beside it, by the CLIP model of the run. At least 0.15 (a ViT-L/14 value:
    it keeps about 80 % of web pairs; another model needs another value).
    """

    name: ClassVar[str] = "pair.similarity"
    unit: ClassVar[Unit] = Unit.PAIR
    at: ClassVar[At] = At.SELECT
    source: ClassVar[str] = "MMC4 (Zhu et al. 2023) section 3: 0.15; DataComp (Gadre et al. 2023) Table 16 for fractions"
    measures: ClassVar[tuple[str, ...]] = ("pair_similarity",)
    min: float | None = 0.15
    max: float | None = None

    def measure(self, item: Any) -> Measures:
        return {} if item.similarity is None else {"pair_similarity": float(item.similarity)}

    def limits(self) -> tuple[Limit, ...]:
        return between("pair_similarity", self.name, self.min, self.max)
