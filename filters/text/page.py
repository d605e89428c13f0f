"""The texts of one page, tokenised once, their features computed together with arrays.

A page has some dozens of paragraphs; asking numpy for one paragraph at a time costs more in calls than in work. So the
paragraphs of a page share a `Page`, and the first question about any of them answers it for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from filters.text import characters, ngrams, tokens
from filters.text.lexicon import BITS, LENGTH_MASK, LENGTH_SHIFT, WORD_SHIFT, Lexicon, lexicon

_MASK = (1 << 64) - 1


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
    def _counts(self) -> np.ndarray:
        out = np.empty((tokens.FLAGS, len(self.texts)), np.int64)
        tokens.count(self.codes, self.char_starts, characters.table(), out)
        return out

    def characters_with(self, flag: int) -> np.ndarray:
        """Characters of a class (characters.SPECIAL, ... LETTER)."""
        return self._counts[flag.bit_length() - 1]

    # words

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray]:
        """(facts of every word in order, where each text's words start)."""
        texts: Sequence[str] = self.texts
        codes, starts = self.codes, self.char_starts
        if tokens.is_odd(joined := "".join(texts)):
            texts = [t.lower() for t in texts]
            joined = "".join(texts)
            codes, starts = characters.codes(joined), np.cumsum([0, *map(len, texts)])
        facts, firsts = np.empty(len(codes) + 1, np.int64), np.empty(len(texts) + 1, np.int64)
        unknown = np.empty((4, len(facts)), np.int64)
        known = self.lexicon
        n = tokens.cut(codes, starts, characters.table(), tokens.marks(), tokens.lower(), known.keys, known.known, facts, firsts, unknown)
        for number, first, last, key in unknown[:, :n].T.tolist():
            facts[number] = known.learn(key & _MASK, joined[first:last].lower())
        return facts[: firsts[-1]], firsts

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

    @cached_property
    def _word_sums(self) -> np.ndarray:
        out = np.empty((len(BITS) + 1, len(self.texts)), np.int64)
        tokens.sums(self.word_facts, self.word_starts, LENGTH_SHIFT, LENGTH_MASK, out)
        return out

    def words_that_are(self, what: str) -> np.ndarray:
        """Words that are stop, flagged, spam, common, alphabetic or required."""
        return self._word_sums[BITS[what]]

    @property
    def word_characters(self) -> np.ndarray:
        return self._word_sums[-1]

    # repetition

    def word_repetition(self, n: int) -> np.ndarray:
        """Share of word n-grams that occur more than once in their text."""
        return self._once(("word n-grams", n), lambda: ngrams.repeated_share(self.word_ids, self.word_starts, n))

    def character_repetition(self, n: int) -> np.ndarray:
        """Share of character n-grams taken by the most frequent ones."""
        return self._once(("character n-grams", n), lambda: ngrams.top_share(self.codes, self.char_starts, n))
