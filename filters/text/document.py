"""A document as the rules see it: the text view of what is kept of it, and counts of its nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, cached_property

import numpy as np

from filters.text import characters, ngrams, tokens
from filters.text.page import Page
from filters.text.view import PageViews, TextView
from schemas.rows import TEXT, Document, Node

SEPARATOR = "\n\n"  # between the text nodes of a document
_SEPARATOR = characters.codes(SEPARATOR)


class _KeptPage(Page):
    """The kept paragraphs of a page as one text; characters, words and their counts come from the page's own."""

    def __init__(self, text: str, language: str, source: Page, kept: Sequence[int]):
        super().__init__((text,), language)
        self._source, self._kept = source, kept

    @cached_property
    def _keep(self) -> np.ndarray:
        """Whether each text of the page is kept."""
        out = np.zeros(len(self._source.texts), np.bool_)
        out[self._kept] = True
        return out

    @cached_property
    def _chosen(self) -> tuple[np.ndarray, np.ndarray]:
        """(code points, facts of words)."""
        page = self._source
        facts, firsts, _ = page._words
        out, some = np.empty(len(self.texts[0]), np.uint32), np.empty(len(facts), np.int64)
        n = tokens.choose(self._keep, page.codes, page.char_starts, facts, firsts, _SEPARATOR, out, some)
        return out, some[:n]

    @property
    def codes(self) -> np.ndarray:
        return self._chosen[0]

    @property
    def char_starts(self) -> np.ndarray:
        return np.array([0, len(self.codes)])

    @cached_property
    def _characters(self) -> np.ndarray:
        out = np.empty((tokens.FLAGS, 1), np.int64)
        tokens.add(self._keep, self._source._characters, _between()._characters, out)
        return out

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        facts, sums = self._chosen[1], np.empty((tokens.SUMS, 1), np.int64)
        tokens.add(self._keep, self._source._words[2], _between()._words[2], sums)
        return facts, np.array([0, len(facts)]), sums


@cache
def _between() -> Page:
    """What stands between two texts, measured."""
    return Page((SEPARATOR,))


class DocumentView(TextView):
    """The kept text nodes joined by a blank line, with the document's counts.

    Pass the paragraph views of `TextView.page` (one per text node, in order) as `paragraphs`, and their tokens are used
    again. `language_score` is that of the whole document.
    """

    __slots__ = ("n_images", "n_texts", "language_score", "paragraphs")

    def __init__(
        self, document: Document | Iterable[Node], language: str | None = None, *,
        paragraphs: PageViews | None = None, language_score: float | None = None,
    ):  # fmt: skip
        nodes = document.nodes if isinstance(document, Document) else tuple(document)
        if isinstance(document, Document):
            language = document.language if language is None else language
            language_score = document.language_score if language_score is None else language_score
        kept: list[int] = []  # among the texts
        self.paragraphs: list[str] = []
        n_texts = n_images = 0
        for n in nodes:
            if n.kind == TEXT:
                if not n.reason:
                    kept.append(n_texts)
                    self.paragraphs.append(n.text)
                n_texts += 1
            elif not n.reason:
                n_images += 1
        text = SEPARATOR.join(self.paragraphs)
        page = None
        if paragraphs:
            if len(paragraphs) != n_texts:
                raise ValueError(f"{len(paragraphs)} paragraph views for {n_texts} text nodes: pass one per text node")
            page = _KeptPage(text, language or "en", paragraphs.shared, kept)
        super().__init__(text, language or "en", page=page)
        self.n_texts, self.n_images = len(kept), n_images
        self.language_score = language_score

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
