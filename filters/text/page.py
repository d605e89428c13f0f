"""The texts of one page, tokenised once, their features computed together with arrays.

A page has some dozens of paragraphs; asking numpy for one paragraph at a time costs more in calls than in work. So the
paragraphs of a page share a `Page`, and the first question about any of them answers it for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain

import numpy as np

from filters.text import characters, ngrams
from filters.text.lexicon import BITS, LENGTH_SHIFT, Lexicon, lexicon
from filters.text.segment import space_out


def _starts(sizes: Iterable[int]) -> np.ndarray:
    sizes = np.fromiter(sizes, np.int64)
    out = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=out[1:])
    return out


class Page:
    """Features of several texts in one language; every array has one entry per text."""

    def __init__(self, texts: Sequence[str], language: str = "en"):
        self.texts = texts
        self.language = language

    @cached_property
    def lexicon(self) -> Lexicon:
        return lexicon(self.language)

    # characters

    @cached_property
    def char_starts(self) -> np.ndarray:
        return _starts(map(len, self.texts))

    @cached_property
    def codes(self) -> np.ndarray:
        return characters.codes("".join(self.texts))

    @cached_property
    def classes(self) -> np.ndarray:
        return characters.table()[self.codes]

    def characters_with(self, flag: int) -> list[int]:
        """Characters of a class (characters.SPECIAL, ...) per text."""
        return self._sums((self.classes & flag) != 0, self.char_starts).tolist()

    @cached_property
    def special(self) -> list[int]:
        return self.characters_with(characters.SPECIAL)

    @cached_property
    def punctuation(self) -> list[int]:
        return self.characters_with(characters.PUNCTUATION)

    @cached_property
    def upper(self) -> list[int]:
        return self.characters_with(characters.UPPER)

    @cached_property
    def letters(self) -> list[int]:
        return self.characters_with(characters.LETTER)

    @cached_property
    def digits(self) -> list[int]:
        return self.characters_with(characters.DIGIT)

    # words

    @cached_property
    def _words(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
        """(word numbers in order, starts, facts per word, distinct words). Numbers are given by first occurrence."""
        tokens = [space_out(t.lower()).split() for t in self.texts]
        raw = list(chain.from_iterable(tokens))
        lex, words, facts = self.lexicon, {}, []
        number: dict[str, int] = {}
        for token in dict.fromkeys(raw):
            word, fact = lex[token]
            if not word:
                number[token] = -1
            elif (i := words.get(word)) is not None:
                number[token] = i
            else:
                number[token] = words[word] = len(facts)
                facts.append(fact)
        ids = np.fromiter(map(number.__getitem__, raw), np.int64, len(raw))
        starts = _starts(map(len, tokens))
        if len(ids) and ids.min() < 0:
            is_word = ids >= 0
            starts = np.concatenate(([0], np.cumsum(is_word)))[starts]
            ids = ids[is_word]
        return ids, starts, np.array(facts, np.int64), list(words)

    @property
    def word_ids(self) -> np.ndarray:
        return self._words[0]

    @property
    def word_starts(self) -> np.ndarray:
        return self._words[1]

    @property
    def distinct_words(self) -> list[str]:
        return self._words[3]

    @cached_property
    def n_words(self) -> list[int]:
        return np.diff(self.word_starts).tolist()

    @cached_property
    def word_facts(self) -> np.ndarray:
        return self._words[2][self.word_ids]

    @cached_property
    def word_counts(self) -> dict[str, list[int]]:
        """Words per text that are stop, flagged, spam, common, alphabetic, required."""
        facts = self.word_facts
        return {name: self._sums(facts & (1 << bit) != 0, self.word_starts).tolist() for name, bit in BITS.items()}

    @cached_property
    def word_characters(self) -> list[int]:
        return self._sums(self.word_facts >> LENGTH_SHIFT, self.word_starts).tolist()

    # repetition

    @cached_property
    def _ngrams(self) -> dict[tuple[str, int], list[float]]:
        return {}

    def word_repetition(self, n: int) -> list[float]:
        """Share of word n-grams that occur more than once in their text."""
        if (got := self._ngrams.get(("word", n))) is None:
            got = self._ngrams["word", n] = ngrams.repeated_share(self.word_ids, self.word_starts, n).tolist()
        return got

    def character_repetition(self, n: int) -> list[float]:
        """Share of character n-grams taken by the most frequent ones."""
        if (got := self._ngrams.get(("char", n))) is None:
            got = self._ngrams["char", n] = ngrams.top_share(self.codes, self.char_starts, n).tolist()
        return got

    @staticmethod
    def _sums(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """Sum of each text's slice; texts may be empty (which reduceat gets wrong)."""
        total = np.zeros(len(values) + 1, np.int64)
        np.cumsum(values, out=total[1:])
        edges = total[starts]
        return edges[1:] - edges[:-1]
