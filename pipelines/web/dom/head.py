"""What a page says of itself outside its text: title, base address, meta tags, language, structured data."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import urljoin

from pipelines.web.dom import tags
from pipelines.web.dom.tree import Tree, plain

_META, _LINK, _TITLE = tags.NUMBER["meta"], tags.NUMBER["link"], tags.NUMBER["title"]
_KEPT: Final = ("robots", "bot", "tdm", "weft", "content-usage", "usage", "license", "copyright", "ai-", "noai")
_FIRST: Final = re.compile(rb'\s*(?:name|property)="([^"]{0,80})"')  # meta tags mostly begin with their name
_WANTED: Final = (*_KEPT, "description", "generator", "og:t", "og:image")
_MAX_VALUE: Final = 4096
_MAX_LD: Final = 500_000
_MAX_SCRIPTS: Final = 50
_MAX_SUMMARY: Final = 2000
_LONGEST_TAG: Final = 300
_wanted: dict[bytes, bool] = {}  # names of meta tags seen: sites share them


class Head(NamedTuple):
    title: str
    base: str  # what relative addresses are joined to
    meta: tuple[tuple[str, str], ...]
    og_type: str
    summary: str  # meta description, og:description
    generator: str
    ld: str  # JSON-LD scripts, as text
    image: str  # og:image


def _is_wanted(name: bytes) -> bool:
    known = _wanted.get(name)
    if known is None:
        if len(_wanted) > 5_000:
            _wanted.clear()
        low = name.lower().decode("utf-8", "replace")
        known = _wanted[name] = any(k in low for k in _WANTED)
    return known


def structured(html: bytes | str) -> str:
    """The text of the page's JSON-LD scripts, found in the source: the parser would give the same text at ten times the cost."""
    data = html.encode("utf-8", "replace") if isinstance(html, str) else html
    out: list[str] = []
    at = data.find(b"ld+json")
    while at >= 0 and len(out) < _MAX_SCRIPTS:
        tag = data.rfind(b"<", max(0, at - _LONGEST_TAG), at)
        start = data.find(b">", at) + 1
        if tag >= 0 and data[tag : tag + 7].lower() == b"<script" and start:
            end = data.find(b"</", start)
            while end >= 0 and data[end : end + 8].lower() != b"</script":
                end = data.find(b"</", end + 2)
            out.append(data[start : min(end if end >= 0 else len(data), start + _MAX_LD)].decode("utf-8", "replace"))
            start = max(start, end)
        at = data.find(b"ld+json", max(start, at + 7))
    return " ".join(out)


def read(tree: Tree, ld: str, url: str) -> Head:
    """From the <html>, <title>, <meta>, <link> and <base> elements that the scanner noted."""
    title = base = og = og_title = generator = picture = ""
    summary: list[str] = []
    links: list[tuple[str, str]] = []
    meta: list[tuple[str, str]] = []
    for number, at, end, stop in tree.whole.T.tolist():
        if number == _TITLE:
            if not title:
                title = " ".join(plain(tree.html[end + 1 : stop].decode("utf-8", "replace")).split())
            continue
        if number == _META:
            if (m := _FIRST.match(tree.html, at, end)) and not _is_wanted(m[1]):
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
            elif name == "og:image":
                picture = picture or content.strip()
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
    return Head(title or og_title, base, (*links, *meta), og, " ".join(summary), generator, ld, picture)
