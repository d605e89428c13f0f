from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView


@dataclass(frozen=True)
class Perplexity(TextRule):
    """Perplexity under a KenLM model over sentencepiece tokens, as CCNet prepares text; high = unlike the model's corpus. Measured when
    the model is configured (pipelines/models/text.py). At most 1500.
    """

    name: ClassVar[str] = "document.perplexity"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) Table 3, config_filter_web_documents.yaml (off in the released configuration)"
    measures: ClassVar[tuple[str, ...]] = ("doc_perplexity",)
    parameters: ClassVar[tuple[str, ...]] = ("model", "tokenizer")
    model: str = ""
    tokenizer: str = ""
    max: float | None = 1500
    min: float | None = None

    def measure(self, item: DocumentView) -> Measures:
        value = item.scores.get("perplexity")
        return {} if value is None else {"doc_perplexity": value}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("doc_perplexity")
