"""HTML to ordered text and image nodes."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser

from schemas.ids import image_id
from schemas.rows import IMAGE, TEXT, Node

_SKIP = frozenset("script style noscript template nav header footer aside form button select textarea svg iframe object head".split())
_BLOCK = frozenset(
    "p div section article main li ul ol dl dt dd table tr td th h1 h2 h3 h4 h5 h6 blockquote pre figure figcaption br hr body center".split()
)
_ROLES = {t: t for t in ("h1", "h2", "h3", "h4", "h5", "h6", "li")} | {"pre": "code", "blockquote": "quote", "figcaption": "caption", "td": "table"}
_SPACE = re.compile(r"\s+")
_META = ("robots", "googlebot", "weft", "weftbot", "tdm-reservation", "tdm-policy")


class Limits(NamedTuple):
    max_bytes: int = 10_000_000
    max_nodes: int = 200_000
    max_depth: int = 512


class Page(NamedTuple):
    title: str
    nodes: tuple[Node, ...]
    meta: tuple[tuple[str, str], ...]
    truncated: str


def extract(html: bytes | str, url: str, limits: Limits = Limits()) -> Page:  # noqa: B008
    truncated = ""
    if len(html) > limits.max_bytes:
        html, truncated = html[: limits.max_bytes], "max_bytes"
    tree = LexborHTMLParser(html)
    title = _SPACE.sub(" ", tree.css_first("title").text()).strip() if tree.css_first("title") else ""
    meta = tuple(
        (name, n.attributes.get("content") or "")
        for n in tree.css("meta")
        if (name := (n.attributes.get("name") or n.attributes.get("http-equiv") or "").lower()) in _META
    )
    base = tree.css_first("base[href]")
    root = urljoin(url, (base.attributes.get("href") or "")) if base else url
    nodes: list[Node] = []
    buffer: list[str] = []
    role = "p"

    def flush(next_role: str) -> None:
        nonlocal role
        text = _SPACE.sub(" ", "".join(buffer)).strip()
        buffer.clear()
        if text:
            nodes.append(Node(len(nodes), TEXT, role, text))
        role = next_role

    body = tree.body
    stack = [(body, 0)] if body else []
    seen = 0
    while stack:
        node, depth = stack.pop()
        seen += 1
        if seen > limits.max_nodes or depth > limits.max_depth:
            truncated = truncated or ("max_nodes" if seen > limits.max_nodes else "max_depth")
            if seen > limits.max_nodes:
                break
            continue
        tag = node.tag
        if tag == "-text":
            buffer.append(node.text_content or "")
        elif tag == "img":
            source = node.attributes.get("data-src") or node.attributes.get("src") or ""
            try:
                absolute = urljoin(root, source.strip())
            except ValueError:
                absolute = ""
            if source and absolute.startswith(("http://", "https://")):
                flush("p")
                a = node.attributes
                size = [int(v) if (v := (a.get(k) or "")).isdigit() and len(v) < 6 else 0 for k in ("width", "height")]
                nodes.append(Node(len(nodes), IMAGE, "image", "", absolute, a.get("alt") or "", "", *size, image_id(absolute)))
        elif tag not in _SKIP and not tag.startswith("-") or tag == "-undef":
            if tag in _BLOCK:
                flush(_ROLES.get(tag, "p"))
            child = node.last_child
            while child is not None:
                stack.append((child, depth + 1))
                child = child.prev
    flush("p")
    return Page(title, tuple(nodes), meta, truncated)
