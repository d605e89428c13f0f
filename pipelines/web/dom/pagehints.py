"""What a page says of itself before its text: OpenGraph type, JSON-LD types and texts, generator, the form of its URL."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from pipelines.web.dom import hints, scan

_LD: Final = re.compile(r'"@type"\s*:\s*\[?\s*"(\w{3,40})"')
_LD_KINDS: Final = (
    re.compile(r"Article|BlogPosting|Report|NewsArticle"), re.compile(r"Product|Offer"),
    re.compile(r"Forum|QAPage|Question|Answer|Comment"),
    re.compile(r"Recipe|HowTo"), re.compile(r"ItemList|CollectionPage|SearchResults|Blog$"),
)  # fmt: skip
_PATH_GROUPS: Final = ("forum", "product", "docs", "list", "post", "content", "recipe", "about")
_PAGE_GROUPS: Final = ("forum", "product", "docs", "list", "post", "comment", "form")
NAMES: Final = (
    "og_article", "og_product", "og_website", "ld_article", "ld_product", "ld_forum", "ld_recipe", "ld_list", "path_depth", "is_root",
    "url_digits", *(f"path_{g}" for g in _PATH_GROUPS), *(f"made_{g}" for g in _PAGE_GROUPS),
)  # fmt: skip
_NO_KINDS: Final = (0.0,) * len(_LD_KINDS)
_PATH_BITS: Final = [hints.BIT[g] for g in _PATH_GROUPS]
_PAGE_BITS: Final = [hints.BIT[g] for g in _PAGE_GROUPS]
# texts in structured data that are content, not labels: of 20 characters and up, each read once (possessively) however long
_LD_TEXT: Final = re.compile(
    r'"(?:articleBody|description|text|reviewBody|recipeInstructions|recipeIngredient|headline)"\s*:\s*(\[[^\]]{0,60000}\]|"(?=(?:[^"\\]|\\.){20})(?:[^"\\]++|\\.)*+")'
)
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_TAG: Final = re.compile(r"<[^>]{0,200}>|&lt;.{0,200}?&gt;")


def measure(tree: Any, about: Any, url: str) -> tuple[float, ...]:
    """In the order of NAMES, from the scanned page and its `head.Head`."""
    # in the page's order: of a set's order the last of them would be chance
    types = " ".join(dict.fromkeys(_LD.findall(about.ld[:500_000]))) if about.ld else ""
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    parts = [p for p in path.split("/") if p]
    og = about.og_type
    way = hints.bits(path[:200])
    made = hints.bits(about.generator[:200]) | int(tree.boxes[scan.HINT, 0])
    return (
        float("article" in og), float("product" in og), float("website" in og),
        *([1.0 if k.search(types) else 0.0 for k in _LD_KINDS] if types else _NO_KINDS),
        float(min(len(parts), 6)), float(not parts), float(min(sum(map(str.isdigit, parts[-1])), 8)) if parts else 0.0,
        *[1.0 if way & bit else 0.0 for bit in _PATH_BITS], *[1.0 if made & bit else 0.0 for bit in _PAGE_BITS],
    )  # fmt: skip


def told(ld: str) -> str:
    """The longer texts of the structured data: article bodies, descriptions, recipe steps."""
    if not ld:
        return ""
    found = " ".join(m[1] for m in _LD_TEXT.finditer(ld[:500_000]))
    if "\\" in found:
        found = _ESCAPE.sub(lambda m: chr(int(m[1], 16)), found)
        found = re.sub(r'\\[nrt"/\\]', " ", found)
    return _TAG.sub(" ", found) if "<" in found or "&lt;" in found else found
