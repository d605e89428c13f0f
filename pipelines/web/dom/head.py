"""What a page says of itself outside its text: title, base address, meta tags, language, structured data."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

from pipelines.web.dom import tags
from pipelines.web.dom.tree import Tree, plain

_META, _LINK, _TITLE = tags.NUMBER["meta"], tags.NUMBER["link"], tags.NUMBER["title"]
_KEPT: Final = ("robots", "bot", "tdm", "weft", "content-usage", "usage", "license", "copyright", "ai-", "noai")
_NAME: Final = re.compile(rb'(?:name|property|http-equiv)="([^"]*)"')
_WANTED: Final = (*_KEPT, "description", "generator", "og:t")
_MAX_VALUE: Final = 4096
_MAX_LD: Final = 500_000
_MAX_SCRIPTS: Final = 50
_MAX_SUMMARY: Final = 2000


class Head(NamedTuple):
    title: str
    base: str  # what relative addresses are joined to
    meta: tuple[tuple[str, str], ...]
    og_type: str
    summary: str  # meta description, og:description
    generator: str
    ld: str  # JSON-LD scripts, as text


def structured(document: Any, html: bytes | str) -> str:
    """The page's JSON-LD scripts, as text. Looked for only if the source speaks of them."""
    if not (b"ld+json" in html if isinstance(html, bytes) else "ld+json" in html):
        return ""
    found = document.css('script[type*="ld+json"]')
    return " ".join(node.text()[:_MAX_LD] for node in found[:_MAX_SCRIPTS])


def read(tree: Tree, ld: str, url: str) -> Head:
    """From the <html>, <title>, <meta>, <link> and <base> elements that the scanner noted."""
    title = base = og = og_title = generator = ""
    summary: list[str] = []
    links: list[tuple[str, str]] = []
    meta: list[tuple[str, str]] = []
    for number, at, end, stop in tree.whole.T.tolist():
        if number == _TITLE:
            if not title:
                title = " ".join(plain(tree.html[end + 1 : stop].decode("utf-8", "replace")).split())
            continue
        if number == _META:
            names = " ".join(m.decode("utf-8", "replace") for m in _NAME.findall(tree.html, at, end)).lower()
            if not any(k in names for k in _WANTED):
                continue
        elif number == _LINK and b"canonical" not in tree.html[at:end].lower():
            continue
        a = tree.attributes(at, end)
        if number == _LINK:
            if "canonical" in a.get("rel", "").lower().split() and a.get("href"):
                links.append(("link:canonical", a["href"].strip()[:_MAX_VALUE]))
        elif number == _META:
            name = (a.get("name") or a.get("http-equiv") or a.get("property") or "").strip().lower()
            content = a.get("content", "")
            if name == "og:type":
                og = content.lower()
            elif name == "og:title":
                og_title = og_title or " ".join(content.split())
            elif name in ("description", "og:description"):
                summary.append(content[:_MAX_SUMMARY])
            elif name == "generator":
                generator = content
            elif name and any(k in name for k in _KEPT) and len(meta) < 100:
                meta.append((name, content[:_MAX_VALUE]))
        elif not base:
            base = a.get("href", "").strip()
    root = tree.attributes(*tree.root)
    language = (root.get("lang") or root.get("xml:lang") or "").strip()
    if language:
        meta.append(("html:lang", language[:64]))
    try:
        base = urljoin(url, base) if base else url
    except ValueError:
        base = url
    base = base if base[:4].lower() == "http" else url
    return Head(title or og_title, base, (*links, *meta), og, " ".join(summary), generator, ld)
