"""A document as the rules see it: the text view of what is kept of it, and counts of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from filters.text import characters, ngrams
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
    def _words(self):  # type: ignore[override] # noqa: ANN202
        ids, starts, facts, words = self._source._words
        if len(self._kept) != len(starts) - 1:
            keep = np.zeros(len(starts) - 1, bool)
            keep[self._kept] = True
            ids = ids[np.repeat(keep, np.diff(starts))]
        return ids, np.array([0, len(ids)]), facts, words

    @cached_property
    def word_counts(self) -> dict[str, list[int]]:
        return {name: [self._total(per_text)] for name, per_text in self._source.word_counts.items()}

    @cached_property
    def word_characters(self) -> list[int]:
        return [self._total(self._source.word_characters)]

    def _total(self, per_text: list[int]) -> int:
        return sum(per_text) if len(self._kept) == len(per_text) else sum(per_text[i] for i in self._kept.tolist())


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
            page = _KeptPage(text, language or "en", paragraphs[0]._page, kept)
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
        page = self._page
        ids = page.word_ids
        if len(ids) < n or not self.n_word_characters:
            return 0.0
        hashes = ngrams.window_hashes(ids, n)
        lengths = np.concatenate(([0], np.cumsum(page.word_facts >> 8)))
        _, first, inverse, counts = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
        if top:
            most = counts.max()
            if most < 2:
                return 0.0
            at = first[counts == most].min()  # the first of equals, as it stands in the text
            return float(lengths[at + n] - lengths[at]) * int(most) / self.n_word_characters
        again = np.flatnonzero(counts[inverse] > 1)
        if not len(again):
            return 0.0
        covered = np.zeros(len(ids) + 1, np.int64)
        np.add.at(covered, again, 1)
        np.add.at(covered, again + n, -1)
        inside = np.cumsum(covered[:-1]) > 0
        return float((page.word_facts >> 8)[inside].sum()) / self.n_word_characters

    @property
    def n_space(self) -> int:
        return self._page.characters_with(characters.SPACE)[0]
