from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class Quality(TextRule):
    """Probability that a fastText classifier gives to the wanted label. Measured when a model file is configured
    (pipelines/models/text.py; pipelines/models/quality.py trains one). At least 0.018112.
    """

    name: ClassVar[str] = "document.quality"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "DCLM (Li et al. 2024) section 4.4: fastText, OpenHermes-2.5 and ELI5 against web text, the top 10 %"
    measures: ClassVar[tuple[str, ...]] = ("doc_quality",)
    parameters: ClassVar[tuple[str, ...]] = ("model", "label")
    model: str = ""
    label: str = "__label__hq"
    min: float | None = 0.018112

    def measure(self, item: DocumentView) -> Measures:
        value = item.scores.get("quality")
        return {} if value is None else {"doc_quality": value}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_quality", "min", None)
