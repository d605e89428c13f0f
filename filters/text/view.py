"""A text as the rules see it: tokenised once, every feature computed when first asked for and then kept."""

from __future__ import annotations

from collections.abc import Sequence

from filters.text.page import Page


class TextView:
    """One text, usually a paragraph. `TextView.page` makes the views of all paragraphs of a page, which share their work.

    Counts are exact; `n_words` counts what `filters.text.segment` calls a word."""

    __slots__ = ("text", "language", "scores", "_page", "_i", "_cache")

    def __init__(self, text: str, language: str = "en", *, page: Page | None = None, index: int = 0):
        self.text = text
        self.language = language
        self.scores: dict[str, float] = {}  # of models (language, perplexity, quality), put here by pipelines.models.text
        self._page = page if page is not None else Page((text,), language)
        self._i = index
        self._cache: dict[str, object] = {}

    @classmethod
    def page(cls, texts: Sequence[str], language: str = "en") -> list[TextView]:
        """Views of the texts of one page."""
        shared = Page(texts, language)
        return [cls(t, language, page=shared, index=i) for i, t in enumerate(texts)]

    def __repr__(self) -> str:
        return f"TextView({self.text[:40]!r}, {self.language!r})"

    # characters

    @property
    def n_chars(self) -> int:
        return len(self.text)

    @property
    def n_special(self) -> int:
        """Characters that are neither letter nor mark, white space included."""
        return self._page.special[self._i]

    @property
    def n_punctuation(self) -> int:
        return self._page.punctuation[self._i]

    @property
    def n_letters(self) -> int:
        return self._page.letters[self._i]

    @property
    def n_upper(self) -> int:
        return self._page.upper[self._i]

    @property
    def n_digits(self) -> int:
        return self._page.digits[self._i]

    # words

    @property
    def n_words(self) -> int:
        return self._page.n_words[self._i]

    @property
    def words(self) -> list[str]:
        """Lower-case words without punctuation at their ends."""
        page = self._page
        names = page.distinct_words
        return [names[j] for j in page.word_ids[page.word_starts[self._i] : page.word_starts[self._i + 1]].tolist()]

    @property
    def n_word_characters(self) -> int:
        return self._page.word_characters[self._i]

    def n_words_that_are(self, what: str) -> int:
        """Words that are `stop`, `flagged`, `spam`, `common`, `alphabetic` or `required`."""
        return self._page.word_counts[what][self._i]

    def has_list(self, what: str) -> bool:
        """Whether there is a word list of this kind for the language."""
        return bool(getattr(self._page.lexicon, what))

    # repetition

    def word_repetition(self, n: int) -> float:
        return self._page.word_repetition(n)[self._i]

    def character_repetition(self, n: int) -> float:
        return self._page.character_repetition(n)[self._i]

    # lines

    @property
    def lines(self) -> list[str]:
        """Non-empty lines, stripped."""
        got = self._cache.get("lines")
        if got is None:
            got = self._cache["lines"] = [s for s in map(str.strip, self.text.split("\n")) if s]
        return got  # type: ignore[return-value]

    @property
    def lower(self) -> str:
        got = self._cache.get("lower")
        if got is None:
            got = self._cache["lower"] = self.text.lower()
        return got  # type: ignore[return-value]
