"""The page as it was, from its WARC record, made safe to look at: the second wall behind the frame's sandbox and its policy."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

MOST = 10 << 20  # bytes of a page that are shown
GONE = "script, style[src], link, base, meta, iframe, frame, frameset, object, embed, applet, template, noscript, portal, source, track, audio, video, form button, input"
KEEP = {
    "class",
    "id",
    "alt",
    "title",
    "lang",
    "dir",
    "width",
    "height",
    "colspan",
    "rowspan",
    "style",
    "align",
    "valign",
    "bgcolor",
    "color",
    "size",
    "start",
    "type",
}


def read(document: Mapping[str, Any]) -> bytes | None:
    """The HTML of a document's record, as UTF-8; None if its archive is not on this machine. ValueError if the record is not what it was."""
    path, offset = document["warc_path"], document["warc_offset"]
    path = path.removeprefix("file://")
    if "://" in path or not os.path.isfile(path):
        return None
    from fastwarc.warc import ArchiveIterator
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    with open(path, "rb") as f:
        f.seek(offset)
        data = f.read(min(document["warc_length"] or MOST, MOST))
    for record in ArchiveIterator(io.BytesIO(data), parse_http=False):
        if record.headers.get("WARC-Target-URI") not in (document["url"], f"<{document['url']}>"):
            raise ValueError(f"{path} at {offset} holds another page: the archive has been changed since the run")
        record.parse_http(auto_decode="all")
        body = record.reader.read(MOST)
        return bytes_to_str(body, record.http_charset or detect_encoding(body)).encode("utf-8", "replace")
    return None


def safe(html: bytes, url: str, image: Callable[[str], str | None]) -> str:
    """The page without anything that acts: no scripts, links, forms, frames or addresses; `image(url)` gives the address of an image's
    bytes in this run, or None, and then the image is left out by name."""
    from selectolax.lexbor import LexborHTMLParser

    tree = LexborHTMLParser(html.decode("utf-8", "replace"))
    for node in tree.css(GONE):
        node.decompose()
    for node in tree.css("*"):
        tag, attributes = node.tag, dict(node.attributes)
        sources = [v.strip() for name, v in attributes.items() if v and (name == "src" or name.startswith("data-")) and len(v) < 4096]
        for name in attributes:
            if name.lower() not in KEEP:
                del node.attrs[name]
        if "style" in attributes and _reaches_out(attributes["style"] or ""):
            del node.attrs["style"]
        if tag == "img":
            own = next((found for source in sources if (found := image(_absolute(url, source)))), None)
            if own:
                node.attrs["src"] = own
            else:
                node.attrs["alt"] = "[image not in this run] " + (attributes.get("alt") or "")
        if tag == "a" and attributes.get("href"):
            node.attrs["title"] = (attributes["href"] or "")[:300]
    for node in tree.css("style"):
        if _reaches_out(node.text() or ""):
            node.decompose()
    note = "<!doctype html><meta charset=utf-8><style>html{background:#fff;color:#111}img{max-width:100%;height:auto}</style>"
    return note + (tree.html or "")


def _absolute(url: str, source: str) -> str:
    try:
        return urljoin(url, source)
    except ValueError:
        return ""


def _reaches_out(css: str) -> bool:
    """Style that could ask for something: the policy forbids it anyway."""
    lowered = css.lower()
    return any(word in lowered for word in ("url(", "@import", "expression", "image-set", "\\", "-moz-binding", "behavior", "javascript:"))
