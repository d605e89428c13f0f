from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, Rule, Unit, above
from filters.text.urlwords import banned
from schemas.rows import Node

WORDS = ("logo", "button", "icon", "plugin", "widget", "porn", "xxx", "sex", "favicon", "sitelogo")


@dataclass(frozen=True)
class UrlWords(Rule):
    """Words of the image's URL that mark decoration (logo, button, icon ...) or pornography, or their plural. None. OBELICS bans
    substrings of the whole URL; here a word ends where letters end.
    """

    name: ClassVar[str] = "image.url_words"
    unit: ClassVar[Unit] = Unit.IMAGE
    source: ClassVar[str] = "OBELICS (Laurencon et al. 2023) appendix A.1.3, step 04; MMC4 (Zhu et al. 2023) section 3"
    measures: ClassVar[tuple[str, ...]] = ("image_url_words",)
    parameters: ClassVar[tuple[str, ...]] = ("words",)
    max: int | None = 0
    words: tuple[str, ...] = WORDS

    def measure(self, item: Node) -> Measures:
        return {"image_url_words": float(banned(item.url, self.words))}

    def limits(self) -> tuple[Limit, ...]:
        return above("image_url_words", self.name, self.max)
