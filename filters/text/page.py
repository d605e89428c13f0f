"""The texts of one page, tokenised once, their features computed together with arrays.

A page has some dozens of paragraphs; asking numpy for one paragraph at a time costs more in calls than in work. So the
paragraphs of a page share a `Page`, and the first question about any of them answers it for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from filters.text import characters, ngrams
from filters.text.lexicon import BITS, BREAK, LENGTH_MASK, LENGTH_SHIFT, WORD_SHIFT, Lexicon, lexicon
from filters.text.segment import space_out

_BREAK = f" {BREAK} "


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; NaN (does not apply) where whole is 0."""
    out = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=out, where=whole != 0)


class Page:
    """Features of several texts in one language; every array has one entry per text."""

    def __init__(self, texts: Sequence[str], language: str = "en"):
        self.texts = texts
        self.language = language
        self._memo: dict[Any, Any] = {}

    def _once(self, key: Any, make: Callable[[], Any]) -> Any:
        if (got := self._memo.get(key)) is None:
            got = self._memo[key] = make()
        return got

    def columns(self, rule: Any) -> dict[str, list[float]]:
        """The columns of a rule over these texts, computed once."""
        key = (rule.name, *(getattr(rule, p) for p in rule.parameters))
        return self._once(key, lambda: {m: c.tolist() for m, c in rule.columns(self).items()})

    @property
    def lexicon(self) -> Lexicon:
        return lexicon(self.language)

    # characters

    @cached_property
    def n_chars(self) -> np.ndarray:
        return np.fromiter(map(len, self.texts), np.int64, len(self.texts))

    @cached_property
    def char_starts(self) -> np.ndarray:
        return np.concatenate(([0], np.cumsum(self.n_chars)))

    @cached_property
    def codes(self) -> np.ndarray:
        return characters.codes("".join(self.texts))

    @cached_property
    def classes(self) -> np.ndarray:
        return characters.table()[self.codes]

    def characters_with(self, flag: int) -> np.ndarray:
        """Characters of a class (characters.SPECIAL, ...)."""
        return self._once(("class", flag), lambda: self._sums((self.classes & flag) != 0, self.char_starts))

    # words

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray]:
        """(facts of every word in order, where each text's words start)."""
        text = _BREAK.join([t.replace(BREAK, " ") for t in self.texts] if any(BREAK in t for t in self.texts) else self.texts)
        tokens = space_out(text.lower()).split()
        facts = np.fromiter(map(self.lexicon.__getitem__, tokens), np.int64, len(tokens))
        breaks = np.flatnonzero(facts < 0)
        is_word = facts > 0
        before = np.concatenate(([0], np.cumsum(is_word)))
        starts = np.empty(len(self.texts) + 1, np.int64)
        starts[0], starts[1:-1], starts[-1] = 0, before[breaks], before[-1]
        return facts[is_word], starts

    @property
    def word_facts(self) -> np.ndarray:
        return self._words[0]

    @property
    def word_starts(self) -> np.ndarray:
        return self._words[1]

    @cached_property
    def word_ids(self) -> np.ndarray:
        """A number for each word in order, equal for equal words."""
        return self.word_facts >> WORD_SHIFT

    @cached_property
    def word_lengths(self) -> np.ndarray:
        return (self.word_facts >> LENGTH_SHIFT) & LENGTH_MASK

    @cached_property
    def n_words(self) -> np.ndarray:
        return np.diff(self.word_starts)

    def words_that_are(self, what: str) -> np.ndarray:
        """Words that are stop, flagged, spam, common, alphabetic or required."""
        bit = BITS[what]
        return self._once(("words", what), lambda: self._sums((self.word_facts >> bit) & 1, self.word_starts))

    @cached_property
    def word_characters(self) -> np.ndarray:
        return self._sums(self.word_lengths, self.word_starts)

    # repetition

    def word_repetition(self, n: int) -> np.ndarray:
        """Share of word n-grams that occur more than once in their text."""
        return self._once(("word n-grams", n), lambda: ngrams.repeated_share(self.word_ids, self.word_starts, n))

    def character_repetition(self, n: int) -> np.ndarray:
        """Share of character n-grams taken by the most frequent ones."""
        return self._once(("character n-grams", n), lambda: ngrams.top_share(self.codes, self.char_starts, n))

    @staticmethod
    def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Sum of each text's slice; texts may be empty (which reduceat gets wrong)."""
        total = np.zeros(len(values) + 1, np.int64)
        np.cumsum(values, out=total[1:])
        edges = total[starts]
        return edges[1:] - edges[:-1]
