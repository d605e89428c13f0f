"""What is known about each word of a language, packed into one integer per word and remembered per process."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import xxhash

from filters.text import tokens
from filters.text import words as lists

STOP, FLAGGED, SPAM, COMMON, ALPHABETIC, REQUIRED = (1 << i for i in range(6))
BITS = {"stop": 0, "flagged": 1, "spam": 2, "common": 3, "alphabetic": 4, "required": 5}
LENGTH_SHIFT, LENGTH_MASK = 6, 1023  # characters of the word, at most 1,023
WORD_SHIFT = 16  # from this bit on: 47 bits of a hash of the word; equal words, equal bits, in every process
REMEMBERED = 400_000  # words kept per language; then the memory starts afresh
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
        self.keys, self.known = np.zeros(_FIRST_ROOM, np.uint64), np.empty(_FIRST_ROOM, np.int64)  # an open table, for filters.text.tokens
        self.used = 0

    def learn(self, key: int, word: str) -> int:
        """The facts of a word, from now on found in the table by its key."""
        if self.used >= REMEMBERED:
            self._forget()
        elif 2 * self.used >= len(self.keys):
            self.keys, self.known = tokens.grown(self.keys, self.known)
        at = tokens.find(self.keys, np.uint64(key))
        if not self.keys[at]:
            self.keys[at], self.known[at] = key, self._facts(word)
            self.used += 1
        return int(self.known[at])

    def _facts(self, word: str) -> int:
        plain = word.replace("\u2019", "'")
        return (
            STOP * (plain in self.stop)
            | FLAGGED * (word in self.flagged)
            | SPAM * (word in self.spam)
            | COMMON * self._is_common(plain)
            | ALPHABETIC * any(map(str.isalpha, word))
            | REQUIRED * (word in lists.REQUIRED)
            | (min(len(word), LENGTH_MASK) << LENGTH_SHIFT)
            | ((xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) >> 17) << WORD_SHIFT)
        )

    def _is_common(self, word: str) -> bool:
        """In the list, or a number (a text corpus holds every short one), or hyphenated from such words."""
        if word in self.common or word.isdigit():
            return True
        if word.endswith(("'s", "s'")) and word[:-2] in self.common:
            return True
        parts = word.replace("/", "-").split("-")
        return len(parts) > 1 and all(p in self.common or p.isdigit() for p in parts if p)


@lru_cache(maxsize=8)
def lexicon(language: str) -> Lexicon:
    return Lexicon(language)
