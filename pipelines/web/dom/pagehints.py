"""What a page says of itself before its text: OpenGraph type, JSON-LD types, the form of its URL."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_LD: Final = re.compile(r'"@type"\s*:\s*\[?\s*"(\w{3,40})"')
_LD_KINDS: Final = (
    re.compile(r"Article|BlogPosting|Report|NewsArticle"), re.compile(r"Product|Offer"),
    re.compile(r"Forum|QAPage|Question|Answer|Comment"),
    re.compile(r"Recipe|HowTo"), re.compile(r"ItemList|CollectionPage|SearchResults|Blog$"),
)  # fmt: skip


def measure(og_type: str, ld: str, url: str) -> tuple[float, ...]:
    """In the order of `features.PAGE`; `ld` is the text of the page's JSON-LD scripts."""
    types = " ".join(set(_LD.findall(ld[:500_000])))
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    parts = [p for p in path.split("/") if p]
    og = og_type.lower()
    return (
        float("article" in og), float("product" in og), float("website" in og),
        *(float(bool(k.search(types))) for k in _LD_KINDS),
        float(min(len(parts), 6)), float(not parts), float(min(sum(ch.isdigit() for ch in parts[-1]) if parts else 0, 8)),
    )  # fmt: skip
