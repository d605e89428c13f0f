"""What is known about each word of a language, packed into one integer per word and remembered per process."""

from __future__ import annotations

from functools import lru_cache

import xxhash

from filters.text import words as lists
from filters.text.segment import strip

STOP, FLAGGED, SPAM, COMMON, ALPHABETIC, REQUIRED = (1 << i for i in range(6))
BITS = {"stop": 0, "flagged": 1, "spam": 2, "common": 3, "alphabetic": 4, "required": 5}
LENGTH_SHIFT, LENGTH_MASK = 6, 1023  # characters of the word, at most 1,023
WORD_SHIFT = 16  # from this bit on: 47 bits of a hash of the word; equal words, equal bits, in every process
BREAK = "\x00"  # the token between two texts
BREAK_FACTS = -1
REMEMBERED = 400_000  # tokens kept per language; then the memory starts afresh


class Lexicon(dict):  # type: ignore[type-arg]
    """Lower-case token -> facts about its word (the token without punctuation at its ends), 0 if nothing is left of it."""

    def __init__(self, language: str):
        super().__init__({BREAK: BREAK_FACTS})
        self.language = language
        self.stop = lists.stop(language)
        self.common = lists.common(language)
        self.flagged = lists.flagged(language)
        self.spam = lists.spam(language)

    def __missing__(self, token: str) -> int:
        facts = self._facts(strip(token))
        if len(self) >= REMEMBERED:
            self.clear()
            self[BREAK] = BREAK_FACTS
        if len(token) <= 64:  # a longer one will hardly come again
            self[token] = facts
        return facts

    def _facts(self, word: str) -> int:
        if not word:
            return 0
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
