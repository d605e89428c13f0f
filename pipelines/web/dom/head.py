"""What a page says of itself outside its text: title, base address, meta tags, language, structured data."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import scan, tags
from pipelines.web.dom.markup import attribute, find
from pipelines.web.dom.tree import Tree, plain

_META, _LINK, _TITLE = tags.NUMBER["meta"], tags.NUMBER["link"], tags.NUMBER["title"]
_KEPT: Final = ("robots", "bot", "tdm", "weft", "content-usage", "usage", "license", "copyright", "ai-", "noai")
# most have a name and a content only, in this order or the other
_PAIR: Final = re.compile(rb'\s*(?:name|property|http-equiv)="([^"]*)" content="([^"]*)"')
_TURNED: Final = re.compile(rb'\s*content="([^"]*)" (?:name|property|http-equiv)="([^"]*)"')
_WANTED: Final = (*_KEPT, "description", "generator", "og:t", "og:image")
_MAX_VALUE: Final = 4096
_MAX_LD: Final = 500_000
_MAX_SCRIPTS: Final = 50
_MAX_SUMMARY: Final = 2000
_LONGEST_TAG: Final = 300
_LONGEST_NAME: Final = 80
_WIDTH: Final = 16  # bytes, more than any word that is looked for
_LD_JSON: Final = np.frombuffer(b"ld+json", np.uint8)
_W_TAG, _W_AT, _W_END = scan.W_TAG, scan.W_AT, scan.W_END


def _words(*words: str) -> Any:
    """As rows of bytes, filled up with zeros."""
    return np.array([list(w.encode().ljust(_WIDTH, b"\0")) for w in words], np.uint8)


_CANONICAL: Final = _words("canonical")
_BY_NAME: Final = _words("name", "property")
_WORDS: Final = _words(*_WANTED)


class Head(NamedTuple):
    title: str
    base: str  # what relative addresses are joined to
    meta: tuple[tuple[str, str], ...]
    og_type: str
    summary: str  # meta description, og:description
    generator: str
    ld: str  # JSON-LD scripts, as text
    image: str  # og:image


_OTHER, _RIGHTS, _OG_TYPE, _OG_TITLE, _OG_IMAGE, _SUMMARY, _GENERATOR = range(7)
_NAMES: Final = {
    "og:type": _OG_TYPE, "og:title": _OG_TITLE, "og:image": _OG_IMAGE, "description": _SUMMARY, "og:description": _SUMMARY, "generator": _GENERATOR,
}  # fmt: skip


@lru_cache(maxsize=5_000)
def _named(written: str) -> tuple[str, int]:
    """(the name of a meta tag, what it is for), from the name as written: sites share them."""
    name = written.strip().lower()
    return name, _NAMES.get(name) or (_RIGHTS if any(k in name for k in _KEPT) else _OTHER)


@compiled
def _says(html, at, end, words):  # type: ignore[no-untyped-def]
    """One of `words` (rows of bytes in small letters, filled up with zeros) stands in html[at:end], in letters of any size."""
    for i in range(at, end):
        c = html[i] | 32 if 65 <= html[i] <= 90 else html[i]
        for w in range(words.shape[0]):
            if words[w, 0] != c:
                continue
            j = 1
            while words[w, j] and i + j < end and words[w, j] == (html[i + j] | 32 if 65 <= html[i + j] <= 90 else html[i + j]):
                j += 1
            if not words[w, j]:
                return True
    return False


@compiled
def _worth_reading(html, whole, names, wanted, canonical):  # type: ignore[no-untyped-def]
    """The columns of `whole` without <link> elements that nowhere say canonical and without <meta> that begin with a name of no use."""
    out = np.empty(whole.shape, np.int32)
    count = 0
    for k in range(whole.shape[1]):
        tag, at, end = whole[_W_TAG, k], whole[_W_AT, k], whole[_W_END, k]
        if tag == _LINK:
            if not _says(html, at, end, canonical):
                continue
        elif tag == _META:
            a, b, v, w, _ = attribute(html, at, end)
            named = (b - a == 4 and _says(html, a, b, names[:1])) or (b - a == 8 and _says(html, a, b, names[1:]))
            if named and w - v <= _LONGEST_NAME and not _says(html, v, w, wanted):
                continue
        for row in range(whole.shape[0]):
            out[row, count] = whole[row, k]
        count += 1
    return out[:, :count]


def structured(html: bytes | str) -> str:
    """The text of the page's JSON-LD scripts, found in the source: the parser would give the same text at ten times the cost."""
    data = html.encode("utf-8", "replace") if isinstance(html, str) else html
    view = np.frombuffer(data, np.uint8)
    out: list[str] = []
    at = find(view, _LD_JSON, 0)
    while at >= 0 and len(out) < _MAX_SCRIPTS:
        tag = data.rfind(b"<", max(0, at - _LONGEST_TAG), at)
        start = data.find(b">", at) + 1
        if tag >= 0 and data[tag : tag + 7].lower() == b"<script" and start:
            end = data.find(b"</", start)
            while end >= 0 and data[end : end + 8].lower() != b"</script":
                end = data.find(b"</", end + 2)
            out.append(data[start : min(end if end >= 0 else len(data), start + _MAX_LD)].decode("utf-8", "replace"))
            start = max(start, end)
        at = find(view, _LD_JSON, max(start, at + len(_LD_JSON)))
    return " ".join(out)


def _meta(tree: Tree, at: int, end: int) -> tuple[str, int, str]:
    """(name, what it is for, content) of the meta tag whose attributes stand at html[at:end]."""
    if m := _PAIR.fullmatch(tree.html, at, end):
        written, content = m.groups()
    elif m := _TURNED.fullmatch(tree.html, at, end):
        content, written = m.groups()
    else:
        a = tree.attributes(at, end)
        name = a.get("name") or a.get("http-equiv") or a.get("property") or ""
        return *_named(name), a.get("content", "")
    name, purpose = _named(plain(written.decode("utf-8", "replace")))
    return name, purpose, plain(content.decode("utf-8", "replace")) if purpose else ""


def read(tree: Tree, ld: str, url: str) -> Head:
    """From the <html>, <title>, <meta>, <link> and <base> elements that the scanner noted."""
    title = base = og = og_title = generator = picture = ""
    summary: list[str] = []
    links: list[tuple[str, str]] = []
    meta: list[tuple[str, str]] = []
    for number, at, end, stop in _worth_reading(tree.data, tree.whole, _BY_NAME, _WORDS, _CANONICAL).T.tolist():
        if number == _TITLE:
            if not title:
                title = " ".join(plain(tree.html[end + 1 : stop].decode("utf-8", "replace")).split())
        elif number == _META:
            name, purpose, content = _meta(tree, at, end)
            if purpose == _OG_TYPE:
                og = content.lower()
            elif purpose == _OG_TITLE:
                og_title = og_title or " ".join(content.split())
            elif purpose == _OG_IMAGE:
                picture = picture or content.strip()
            elif purpose == _SUMMARY:
                summary.append(content[:_MAX_SUMMARY])
            elif purpose == _GENERATOR:
                generator = content
            elif purpose == _RIGHTS and len(meta) < 100:
                meta.append((name, content[:_MAX_VALUE]))
        elif number == _LINK:
            a = tree.attributes(at, end)
            if "canonical" in a.get("rel", "").lower().split() and a.get("href"):
                links.append(("link:canonical", a["href"].strip()[:_MAX_VALUE]))
        elif not base:
            base = tree.attributes(at, end).get("href", "").strip()
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
