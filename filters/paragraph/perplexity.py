from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.view import TextView


@dataclass(frozen=True)
class Perplexity(TextRule):
    """Perplexity under a KenLM model over sentencepiece tokens, as CCNet prepares text; high = unlike the model's corpus. Measured when
    the model is configured (pipelines/models/text.py). At most 1500.
    """

    name: ClassVar[str] = "paragraph.perplexity"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (off in the released configuration)"
    measures: ClassVar[tuple[str, ...]] = ("paragraph_perplexity",)
    parameters: ClassVar[tuple[str, ...]] = ("model", "tokenizer")
    model: str = ""
    tokenizer: str = ""
    max: float | None = 1500
    min: float | None = None

    def measure(self, item: TextView) -> Measures:
        value = item.scores.get("perplexity")
        return {} if value is None else {"paragraph_perplexity": value}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_perplexity")
