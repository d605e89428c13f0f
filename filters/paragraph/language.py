from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class Language(TextRule):
    """Confidence that a paragraph is in the document's language (0 if it is in another). At least 0.8. Measured when this rule is
    configured (pipelines/models/text.py): it costs a model call a paragraph.
    """

    name: ClassVar[str] = "paragraph.language"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = (
        "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (paper 0.8; off in the released configuration)"
    )
    measures: ClassVar[tuple[str, ...]] = ("paragraph_language_score",)
    min: float | None = 0.8

    def measure(self, item: TextView) -> Measures:
        value = item.scores.get("language")
        return {} if value is None else {"paragraph_language_score": value}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_language_score", "min", None)
