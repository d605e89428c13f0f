"""HTML to ordered text and image nodes: the main content of a page, in the page's own order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from selectolax.lexbor import LexborHTMLParser

from pipelines.web.dom import assemble, head, model, nesting, pagehints
from pipelines.web.dom.walk import walk
from schemas.rows import Node


class Limits(NamedTuple):
    """What one page may cost. Defaults: bytes and nodes far above real pages (the development pages average 182 kB and 2,400 nodes);
    depth as in Blink's HTML parser, which flattens what is nested deeper than 512."""

    max_bytes: int = 10_000_000
    max_nodes: int = 200_000
    max_depth: int = 512


class Page(NamedTuple):
    """What was read from a page."""

    title: str
    nodes: tuple[Node, ...]  # text and image nodes in the page's order, numbered from 0
    meta: tuple[tuple[str, str], ...]  # (name, content) of meta tags that concern robots and rights; link:canonical; html:lang
    truncated: str  # the limit that cut the page: max_bytes, max_nodes, max_depth; "" = none


def extract(html: bytes | str, url: str, limits: Limits = Limits()) -> Page:  # noqa: B008
    """Read `html` (bytes are UTF-8) found at `url`. Any input gives a page, an empty one at worst; nothing is fetched.

    Blocks of text are judged by a small model of their place, shape and surroundings (docs/extraction.md); images stand where the
    page has them, between the blocks that were kept. Image URLs are absolute http(s).
    """
    truncated = ""
    if len(html) > limits.max_bytes:
        html, truncated = html[: limits.max_bytes], "max_bytes"
    whole = html
    html = nesting.cut(html, 4 * limits.max_depth)
    if html is not whole:
        truncated = truncated or "max_depth"
    if not html or html.isspace():
        return Page("", (), (), truncated)
    document = LexborHTMLParser(html)
    body = document.body
    if body is None:
        return Page("", (), head.read(document.root, document.head, [], url).meta, truncated)
    tree = walk(body, limits.max_nodes, limits.max_depth)
    about = head.read(document.root, document.head, tree.apart, url)
    truncated = truncated or tree.truncated
    if tree.text:
        chance = model.chances(tree, about.title, pagehints.measure(about.og_type, about.ld, url))
        keep = model.choose(chance, np.array([s.count(" ") + 1 for s in tree.text], np.float32))
    else:
        keep = np.zeros(0, np.float32)
    return Page(about.title, assemble.nodes(tree, keep, about.base), about.meta, truncated)
