"""What is known about each word of a language, packed into one integer per word and remembered per process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from filters.text import tokens
from filters.text import words as lists

STOP, FLAGGED, SPAM, COMMON, ALPHABETIC, REQUIRED = (1 << i for i in range(6))
BITS = {"stop": 0, "flagged": 1, "spam": 2, "common": 3, "alphabetic": 4, "required": 5}
LENGTH_SHIFT, LENGTH_MASK = 6, 1023  # characters of the word, at most 1,023
WORD_SHIFT = 16  # from this bit on: 47 bits of a hash of the word; equal words, equal bits, in every process
REMEMBERED = 200_000  # words kept per language (8 MB); then the memory starts afresh
_FIRST_ROOM = 1 << 14


class Lexicon:
    """Lower-case word (without punctuation at its ends) -> facts about it."""

    def __init__(self, language: str):
        self.language = language
        self.stop = lists.stop(language)
        self.common = lists.common(language)
        self.flagged = lists.flagged(language)
        self.spam = lists.spam(language)
        self._forget()

    def _forget(self) -> None:
        self.known, self.used = np.zeros((_FIRST_ROOM, 2), np.uint64), 0  # an open table of keys and facts, for filters.text.tokens

    def learn(self, keys: Sequence[int], words: Iterable[str]) -> list[int]:
        """The facts of words, from now on found in the table by their keys."""
        new = dict(zip(keys, words, strict=True))
        facts = dict(zip(new, self.facts(list(new.values())), strict=True))
        if self.used >= REMEMBERED:
            self._forget()
        while 2 * (self.used + len(new)) > len(self.known):
            self.known = tokens.grown(self.known)
        self.used += tokens.put(self.known, np.array(list(facts), np.uint64), np.array(list(facts.values()), np.int64))
        return [facts[k] for k in keys]

    def facts(self, words: Sequence[str]) -> list[int]:
        plain = [w.replace("\u2019", "'") for w in words]
        hashes = [*map(lists.hashed, words)]
        listed = self.common.has([h if p is w else lists.hashed(p) for p, w, h in zip(plain, words, hashes, strict=True)])
        return [
            STOP * (p in self.stop)
            | FLAGGED * (w in self.flagged)
            | SPAM * (w in self.spam)
            | COMMON * (known or self._is_like_common(p))
            | ALPHABETIC * (w.isalpha() or any(map(str.isalpha, w)))
            | REQUIRED * (w in lists.REQUIRED)
            | (min(len(w), LENGTH_MASK) << LENGTH_SHIFT)
            | ((h >> 17) << WORD_SHIFT)
            for w, p, h, known in zip(words, plain, hashes, listed, strict=True)
        ]

    def _is_like_common(self, word: str) -> bool:
        """A number (a text corpus holds every short one), the genitive of a word in the list, or hyphenated from such words."""
        if word.isdigit():
            return True
        if word.endswith(("'s", "s'")) and word[:-2] in self.common:
            return True
        parts = word.replace("/", "-").split("-")
        return len(parts) > 1 and all(p in self.common or p.isdigit() for p in parts if p)


@lru_cache(maxsize=32)  # a crawl brings more languages than a few, in turns
def lexicon(language: str) -> Lexicon:
    return Lexicon(language)
