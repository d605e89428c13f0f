from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, above
from filters.text.urlwords import banned

WORDS = ("porn", "porno", "xxx", "sex", "hentai", "nsfw", "xvideos", "xnxx", "pornhub", "camgirl", "escort")


@dataclass(frozen=True)
class BannedWords(Rule):
    """Words of the page's URL that are banned, or their plural. None. OBELICS bans substrings, which also hits 'essex'; here a word ends
    where letters end.
    """

    name: ClassVar[str] = "url.banned_words"
    unit: ClassVar[Unit] = Unit.URL
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) appendix A.1.3; MINT-1T (Awadalla et al. 2024)"
    measures: ClassVar[tuple[str, ...]] = ("url_banned_words",)
    parameters: ClassVar[tuple[str, ...]] = ("words",)
    max: int | None = 0
    words: tuple[str, ...] = WORDS

    def measure(self, item: str) -> Measures:
        return {"url_banned_words": float(banned(item, self.words))}

    def limits(self) -> tuple[Limit, ...]:
        return above("url_banned_words", self.name, self.max)
