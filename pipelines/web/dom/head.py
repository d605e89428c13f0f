"""What a page says of itself outside its text: title, base address, meta tags, language, structured-data types."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

from pipelines.web.dom import tags

_META, _SCRIPT, _LINK, _TITLE = (tags.NUMBER[t] for t in ("meta", "script", "link", "title"))
_KEPT: Final = ("robots", "bot", "tdm", "weft", "content-usage", "usage", "license", "copyright", "ai-", "noai")
_MAX_VALUE: Final = 4096
_MAX_LD: Final = 500_000


class Head(NamedTuple):
    title: str
    base: str  # what relative addresses are joined to
    meta: tuple[tuple[str, str], ...]
    og_type: str
    ld: str  # JSON-LD scripts, as text


def read(root: Any, head: Any, apart: list[Any], url: str) -> Head:
    """From the <html> and <head> elements and the <meta> and <script> elements found in the body."""
    title = base = og = ""
    meta: list[tuple[str, str]] = []
    ld: list[str] = []
    found = list(apart)
    node = head.first_child if head is not None else None
    last = []
    while node is not None:
        number = node.tag_id
        if number == _META or number == _SCRIPT:
            last.append(node)
        elif number == _TITLE and not title:
            title = " ".join(node.text().split())
        elif number == _LINK:
            a = node.attributes
            if "canonical" in (a.get("rel") or "").lower().split() and a.get("href"):
                meta.append(("link:canonical", (a["href"] or "").strip()[:_MAX_VALUE]))
        elif not base and node.tag == "base":
            base = (node.attributes.get("href") or "").strip()
        node = node.next
    og_title = ""
    for node in (*last, *found):
        a = node.attributes
        if node.tag_id == _SCRIPT:
            if "ld+json" in (a.get("type") or "") and len(ld) < 50:
                ld.append(node.text()[:_MAX_LD])
            continue
        name = (a.get("name") or a.get("http-equiv") or a.get("property") or "").strip().lower()
        content = a.get("content") or ""
        if name == "og:type":
            og = content.lower()
        elif name == "og:title":
            og_title = og_title or " ".join(content.split())
        elif name and any(k in name for k in _KEPT) and len(meta) < 100:
            meta.append((name, content[:_MAX_VALUE]))
    language = ((root.attributes.get("lang") or root.attributes.get("xml:lang") or "") if root is not None else "").strip()
    if language:
        meta.append(("html:lang", language[:64]))
    try:
        base = urljoin(url, base) if base else url
    except ValueError:
        base = url
    return Head(title or og_title, base if base[:4].lower() == "http" else url, tuple(meta), og, " ".join(ld))
