"""What is known about each word of a language, packed into one integer per word and remembered per process."""

from __future__ import annotations

from functools import lru_cache

from filters.text import words as lists
from filters.text.segment import strip

STOP, FLAGGED, SPAM, COMMON, ALPHABETIC, REQUIRED = (1 << i for i in range(6))
BITS = {"stop": 0, "flagged": 1, "spam": 2, "common": 3, "alphabetic": 4, "required": 5}
LENGTH_SHIFT = 8  # characters of the word, from this bit on
REMEMBERED = 400_000  # tokens kept per language; then the memory starts afresh


class Lexicon(dict):  # type: ignore[type-arg]
    """Lower-case token -> (word, facts). `word` is the token without punctuation at its ends, '' if nothing is left."""

    def __init__(self, language: str):
        super().__init__()
        self.language = language
        self.stop = lists.stop(language)
        self.common = lists.common(language)
        self.flagged = lists.flagged(language)
        self.spam = lists.spam(language)
        self._words: dict[str, tuple[str, int]] = {}

    def __missing__(self, token: str) -> tuple[str, int]:
        word = strip(token)
        facts = 0
        if word:
            plain = word.replace("\u2019", "'")
            facts = (
                STOP * (plain in self.stop)
                + FLAGGED * (word in self.flagged)
                + SPAM * (word in self.spam)
                + COMMON * self._is_common(plain)
                + ALPHABETIC * any(map(str.isalpha, word))
                + REQUIRED * (word in lists.REQUIRED)
                + (len(word) << LENGTH_SHIFT)
            )
        value = (word, facts)
        if len(self) >= REMEMBERED:
            self.clear()
        if len(token) <= 64:  # a longer one will hardly come again
            self[token] = value
        return value

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
