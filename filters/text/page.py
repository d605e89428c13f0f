"""The texts of one page, tokenised once, their features computed together with arrays.

A page has some dozens of paragraphs; asking numpy for one paragraph at a time costs more in calls than in work. So the
paragraphs of a page share a `Page`, and the first question about any of them answers it for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from filters.text import characters, ngrams, tokens
from filters.text.lexicon import BITS, LENGTH_MASK, LENGTH_SHIFT, WORD_SHIFT, Lexicon, lexicon

_MASK = (1 << 64) - 1


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole; NaN (does not apply) where whole is 0."""
    out = np.empty(part.shape)
    rows = (1, *part.shape)[-2:]
    tokens.divide(part.reshape(rows), whole, out.reshape(rows))
    return out


class _Text:
    """Several texts as one, as code points, and where each begins and the last one ends."""

    __slots__ = ("joined", "codes", "starts")

    def __init__(self, texts: Sequence[str]):
        self.joined = "".join(texts)
        self.codes = characters.codes(self.joined)
        self.starts = np.array([*accumulate(map(len, texts), initial=0)], np.int64)


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

    def columns(self, rule: Any) -> dict[str, np.ndarray]:
        """The columns of a rule over these texts, computed once."""
        return self._once((rule.name, *(getattr(rule, p) for p in rule.parameters)), lambda: rule.columns(self))

    @property
    def lexicon(self) -> Lexicon:
        return lexicon(self.language)

    # characters

    @cached_property
    def _text(self) -> _Text:
        return _Text(self.texts)

    @property
    def codes(self) -> np.ndarray:
        return self._text.codes

    @property
    def char_starts(self) -> np.ndarray:
        return self._text.starts

    @cached_property
    def n_chars(self) -> np.ndarray:
        return self.char_starts[1:] - self.char_starts[:-1]

    @cached_property
    def _characters(self) -> np.ndarray:
        """One row for each flag that is counted."""
        out = np.empty((tokens.FLAGS, len(self.texts)), np.int64)
        tokens.count(self.codes, self.char_starts, characters.table(), tokens.lanes(), out)
        return out

    def characters_with(self, flag: int) -> np.ndarray:
        """Characters of a class (characters.SPECIAL, ... LETTER)."""
        return self._characters[flag.bit_length() - 1]

    @cached_property
    def _character_shares(self) -> np.ndarray:
        return share(self._characters, self.n_chars)

    def share_of_characters(self, flag: int) -> np.ndarray:
        """The same / all characters; NaN in an empty text."""
        return self._character_shares[flag.bit_length() - 1]

    # words

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(facts of every word in order, where each text's words start, what they sum up to: tokens.sums)."""
        text = self._text
        if tokens.is_odd(text.joined):
            text = _Text([t.lower() for t in self.texts])
        n, known = len(self.texts), self.lexicon
        facts, firsts, sums = np.empty(len(text.codes), np.int64), np.empty(n + 1, np.int64), np.empty((tokens.SUMS, n), np.int64)
        unknown = tokens.read(text.codes, text.starts, tokens.letters(), tokens.marks(), known.known, facts, firsts)
        if len(unknown):
            numbers, begins, ends, keys = unknown.T.tolist()
            facts[numbers] = known.learn([k & _MASK for k in keys], [text.joined[a:b].lower() for a, b in zip(begins, ends, strict=True)])
        tokens.sums(facts, firsts, LENGTH_SHIFT, LENGTH_MASK, sums)
        return facts[: firsts[n]], firsts, sums

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

    @property
    def n_words(self) -> np.ndarray:
        return self._words[2][-1]

    @property
    def word_characters(self) -> np.ndarray:
        return self._words[2][-2]

    def words_that_are(self, what: str) -> np.ndarray:
        """Words that are stop, flagged, spam, common, alphabetic or required."""
        return self._words[2][BITS[what]]

    @cached_property
    def _word_shares(self) -> np.ndarray:
        return share(self._words[2][: tokens.BITS], self.n_words)

    def share_of_words(self, what: str) -> np.ndarray:
        """The same / all words; NaN in a text without words."""
        return self._word_shares[BITS[what]]

    # repetition

    def word_repetition(self, n: int) -> np.ndarray:
        """Share of word n-grams that occur more than once in their text."""
        return self._once(("word n-grams", n), lambda: ngrams.repeated_share(self.word_ids, self.word_starts, n))

    def character_repetition(self, n: int) -> np.ndarray:
        """Share of character n-grams taken by the most frequent ones."""
        return self._once(("character n-grams", n), lambda: ngrams.top_share(self.codes, self.char_starts, n))
