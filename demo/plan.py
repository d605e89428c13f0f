"""What each page of the web is, as a pure function of (seed, page number): nothing has to be kept in memory.

Pages come in blocks of 50 that hold the same mix in a shuffled order; duplicates point at pages of their own block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from demo.rng import Stream

BLOCK = 50
FOREIGN = ("de", "fr", "es", "it", "pt", "nl", "ru", "ja", "zh")
# signal -> does it reserve rights against training? (Who does not want to be indexed does not want to be collected either.)
SIGNALS = {
    "meta:noai": True, "meta:noimageai": True, "header:noai": True, "tdm-header": True, "tdm-meta": True, "content-usage": True,
    "meta:noai,noimageai": True, "meta:noindex": True,
}  # fmt: skip
CHARSETS = ("windows-1252", "iso-8859-15", "utf-16", "utf-8-bom", "windows-1252-undeclared", "macintosh")
_MIX = (
    *("base:article",) * 12, *("base:recipe",) * 3, *("base:forum",) * 3, *("base:product",) * 3, *("base:docs",) * 2, "base:listing",
    *(f"foreign:{language}" for language in FOREIGN),
    *("near",) * 3, *("mirror",) * 2, *("recrawl",) * 2, *("optout",) * 3,
    "malformed", "charset", "encoded", "status", "moved", "not_html", "empty",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """One capture. `root` is the page whose content it repeats (itself if it is an original)."""

    index: int
    role: str  # base, foreign, near, mirror, recrawl, optout, malformed, charset, encoded, status, moved, not_html, empty
    type: str  # article, recipe, forum, product, docs, listing
    language: str
    site: int
    root: int
    signal: str = ""  # optout: a key of SIGNALS
    charset: str = "utf-8"
    variant: int = 0  # tells siblings of one role apart

    @property
    def host(self) -> str:
        return f"www.site-{self.site:03d}.example"

    @property
    def image_host(self) -> str:
        return f"img.site-{self.site:03d}.example"


@dataclass(frozen=True)
class Web:
    """The whole web in a few numbers."""

    pages: int
    seed: int = 0
    hot: float = 0.0  # share of the pages that one site, number 0, has beside its own

    @property
    def sites(self) -> int:
        return min(3000, max(6, self.pages // 25))

    def page(self, index: int) -> Page:
        """Page `index`. IndexError outside [0, pages)."""
        if not 0 <= index < self.pages:
            raise IndexError(f"page {index} of a web of {self.pages}")
        return _block(self.seed, self.sites, self.hot, index // BLOCK)[index % BLOCK]


@lru_cache(maxsize=64)
def _block(seed: int, sites: int, hot: float, number: int) -> tuple[Page, ...]:
    draw = Stream("block", seed, number)
    crowd = Stream("hot", seed, number)
    # originals first, so that a block cut short by the number of pages never holds a duplicate without its original
    mix = list(_MIX)
    originals = [r for r in mix if r.startswith("base")]
    rest = [r for r in mix if not r.startswith("base")]
    order = draw.sample(originals, len(originals)) + draw.sample(rest, len(rest))
    first = number * BLOCK
    articles = [first + i for i, r in enumerate(order) if r == "base:article"]
    roots = iter(draw.sample(articles, 6))
    near_root = next(roots)
    roots_of = {"near": [near_root, near_root, next(roots)], "mirror": [next(roots), next(roots)], "recrawl": [next(roots), next(roots)]}
    seen: dict[str, int] = {}
    out: list[Page] = []
    for i, entry in enumerate(order):
        role, _, detail = entry.partition(":")
        index, n = first + i, seen.get(role, 0)
        seen[role] = n + 1
        site = draw.below(sites)
        site = 0 if hot and crowd.chance(hot) else site
        kind, language, root, signal, charset = "article", "en", index, "", "utf-8"
        if role == "base":
            kind = detail
        elif role == "foreign":
            language = detail
            charset = {"ja": "shift_jis", "zh": "gb18030", "ru": "koi8-r"}.get(detail, "utf-8") if draw.chance(0.3) else "utf-8"
        elif role in roots_of:
            root = roots_of[role][n]
            site = out[root - first].site if role == "recrawl" else _another(site, out[root - first].site, sites)
        elif role == "optout":
            signal = list(SIGNALS)[(number * 3 + n) % len(SIGNALS)]
        elif role == "charset":
            charset = CHARSETS[number % len(CHARSETS)]
        out.append(Page(index, role, kind, language, site, root, signal, charset, number * 3 + n))
    return tuple(out)


def _another(site: int, than: int, sites: int) -> int:
    return (site + 1) % sites if site == than else site
