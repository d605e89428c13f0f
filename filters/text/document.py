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
        page = self.shared
        ids, lengths = page.word_ids, page.word_lengths
        total = self.n_word_characters
        if len(ids) < n or not total:
            return 0.0
        hashes = ngrams.window_hashes(ids, n)
        order = np.argsort(hashes, kind="stable")
        ranked = hashes[order]
        new = np.concatenate(([True], ranked[1:] != ranked[:-1]))
        first = np.flatnonzero(new)
        counts = np.diff(np.append(first, len(ranked)))
        if counts.max() < 2:
            return 0.0
        if top:
            at = order[first[counts == counts.max()]].min()  # the first of equals, as it stands in the text
            return float(lengths[at : at + n].sum()) * int(counts.max()) / total
        again = order[np.repeat(counts > 1, counts)]
        covered = np.zeros(len(ids) + 1, np.int64)
        covered[:-1] = np.bincount(again, minlength=len(ids))
        covered[n:] -= np.bincount(again + n, minlength=len(ids) + 1)[n:]
        return float(lengths[np.cumsum(covered[:-1]) > 0].sum()) / total
