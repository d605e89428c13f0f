"""A document as the rules see it: the text view of what is kept of it, and counts of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from filters.text import ngrams
from filters.text.page import Page
from filters.text.view import TextView
from schemas.rows import IMAGE, TEXT, Document, Node

SEPARATOR = "\n\n"  # between the text nodes of a document


class _KeptPage(Page):
    """The kept paragraphs of a page as one text; words come from the page's own tokens where it has them."""

    def __init__(self, text: str, language: str, source: Page, kept: Sequence[int]):
        super().__init__((text,), language)
        self._source, self._kept = source, np.asarray(kept, np.int64)

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray]:
        facts, starts = self._source._words
        if len(self._kept) != len(starts) - 1:
            keep = np.zeros(len(starts) - 1, bool)
            keep[self._kept] = True
            facts = facts[np.repeat(keep, np.diff(starts))]
        return facts, np.array([0, len(facts)])


class DocumentView(TextView):
    """The kept text nodes joined by a blank line, with the document's counts.

    Pass the paragraph views of `TextView.page` (one per text node, in order) as `paragraphs`, and their tokens are used
    again. `language_score` is that of the whole document.
    """

    __slots__ = ("n_images", "n_texts", "language_score", "paragraphs")

    def __init__(
        self, document: Document | Iterable[Node], language: str | None = None, *,
        paragraphs: Sequence[TextView] | None = None, language_score: float | None = None,
    ):  # fmt: skip
        nodes = document.nodes if isinstance(document, Document) else tuple(document)
        if isinstance(document, Document):
            language = document.language if language is None else language
            language_score = document.language_score if language_score is None else language_score
        texts = [n for n in nodes if n.kind == TEXT]
        kept = [i for i, n in enumerate(texts) if not n.reason]
        text = SEPARATOR.join(texts[i].text for i in kept)
        page = None
        if paragraphs:
            if len(paragraphs) != len(texts):
                raise ValueError(f"{len(paragraphs)} paragraph views for {len(texts)} text nodes: pass one per text node")
            page = _KeptPage(text, language or "en", paragraphs[0].shared, kept)
        super().__init__(text, language or "en", page=page)
        self.n_texts = len(kept)
        self.n_images = sum(1 for n in nodes if n.kind == IMAGE and not n.reason)
        self.language_score = language_score
        self.paragraphs = [texts[i].text for i in kept]

    def top_ngram_share(self, n: int) -> float:
        """Characters in the most frequent word n-gram / characters of the text (Gopher); 0 if none occurs twice."""
        return self._gopher(n, top=True)

    def duplicate_ngram_share(self, n: int) -> float:
        """Characters in word n-grams that occur more than once, overlaps counted once / characters of words (Gopher)."""
        return self._gopher(n, top=False)

    def _gopher(self, n: int, top: bool) -> float:
        total = self.n_word_characters
        found = ngrams.top_and_repeated(self.shared.word_ids, self.shared.word_lengths, n) if total else (0.0, 0.0)
        return found[0 if top else 1] / total if total else 0.0
