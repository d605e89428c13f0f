"""A text as the rules see it: tokenised once, every feature computed when first asked for and then kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import overload

from filters.text import characters
from filters.text.page import Page
from filters.text.segment import words as cut

_NONE: Mapping[str, float] = MappingProxyType({})


class TextView:
    """One text, usually a paragraph. `TextView.page` makes the views of all paragraphs of a page, which share their work.

    Counts are exact; `n_words` counts what `filters.text.segment` calls a word."""

    __slots__ = ("text", "language", "scores", "shared", "index", "_lines", "_lower")

    def __init__(self, text: str, language: str = "en", *, page: Page | None = None, index: int = 0):
        self.text = text
        self.language = language
        self.scores = _NONE  # of models (language, perplexity, quality), put here by pipelines.models.text
        self.shared = page if page is not None else Page((text,), language)
        self.index = index
        self._lines: list[str] | None = None
        self._lower: str | None = None

    @staticmethod
    def page(texts: Sequence[str], language: str = "en") -> PageViews:
        """Views of the texts of one page."""
        return PageViews(texts, language)

    def __repr__(self) -> str:
        return f"TextView({self.text[:40]!r}, {self.language!r})"

    # characters

    @property
    def n_chars(self) -> int:
        return len(self.text)

    @property
    def n_special(self) -> int:
        """Characters that are neither letter nor mark, white space included."""
        return int(self.shared.characters_with(characters.SPECIAL)[self.index])

    @property
    def n_punctuation(self) -> int:
        return int(self.shared.characters_with(characters.PUNCTUATION)[self.index])

    @property
    def n_letters(self) -> int:
        return int(self.shared.characters_with(characters.LETTER)[self.index])

    @property
    def n_upper(self) -> int:
        return int(self.shared.characters_with(characters.UPPER)[self.index])

    @property
    def n_digits(self) -> int:
        return int(self.shared.characters_with(characters.DIGIT)[self.index])

    # words

    @property
    def n_words(self) -> int:
        return int(self.shared.n_words[self.index])

    @property
    def words(self) -> list[str]:
        """Lower-case words without punctuation at their ends."""
        return cut(self.text)

    @property
    def n_word_characters(self) -> int:
        return int(self.shared.word_characters[self.index])

    def n_words_that_are(self, what: str) -> int:
        """Words that are `stop`, `flagged`, `spam`, `common`, `alphabetic` or `required`."""
        return int(self.shared.words_that_are(what)[self.index])

    def has_list(self, what: str) -> bool:
        """Whether there is a word list of this kind for the language."""
        return bool(getattr(self.shared.lexicon, what))

    # repetition

    def word_repetition(self, n: int) -> float:
        return float(self.shared.word_repetition(n)[self.index])

    def character_repetition(self, n: int) -> float:
        return float(self.shared.character_repetition(n)[self.index])

    # lines

    @property
    def lines(self) -> list[str]:
        """Non-empty lines, stripped."""
        if self._lines is None:
            self._lines = [s for s in map(str.strip, self.text.split("\n")) if s]
        return self._lines

    @property
    def lower(self) -> str:
        if self._lower is None:
            self._lower = self.text.lower()
        return self._lower


class PageViews(Sequence[TextView]):
    """The views of the texts of one page, made when one is asked for: most rules ask the page that they share."""

    def __init__(self, texts: Sequence[str], language: str):
        self.shared = Page(texts, language)

    @cached_property
    def _views(self) -> list[TextView]:
        page = self.shared
        return [TextView(t, page.language, page=page, index=i) for i, t in enumerate(page.texts)]

    @overload
    def __getitem__(self, at: int) -> TextView: ...
    @overload
    def __getitem__(self, at: slice) -> list[TextView]: ...
    def __getitem__(self, at: int | slice) -> TextView | list[TextView]:
        return self._views[at]

    def __iter__(self) -> Iterator[TextView]:
        return iter(self._views)

    def __len__(self) -> int:
        return len(self.shared.texts)
