"""HTML to ordered text and image nodes: the main content of a page, in the page's own order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from selectolax.lexbor import LexborHTMLParser

from pipelines.web.dom import assemble, features, head, model, nesting, pagehints, words
from pipelines.web.dom.tree import Tree
from pipelines.web.markup import normal
from schemas.rows import Node

_UNREAD = ["script", "style", "svg", "template"]  # never content, and up to half of a page: taken out before the tree is written

_SHELL = 1_000  # bytes of text below which a page may be a frame that scripts fill


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
    tree, about, truncated = look(html, url, limits)
    if tree is None or about is None:
        return Page("", (), (), truncated)
    if tree.n:
        measured = measure(tree, about, url)
        keep = measured.once(model.choose(model.chances(measured), measured.facts[words.WORDS]))
    else:
        keep = np.zeros(0, bool)
    return Page(about.title, assemble.nodes(tree, keep, about.base, about.image), about.meta, truncated)


def look(html: bytes | str, url: str, limits: Limits) -> tuple[Tree | None, head.Head | None, str]:
    """The page as blocks, containers and images, and what it says of itself; the limit that cut it."""
    truncated = ""
    if len(html) > limits.max_bytes:
        html, truncated = html[: limits.max_bytes], "max_bytes"
    if not html or html.isspace():
        return None, None, truncated
    data = html.encode("utf-8", "replace") if isinstance(html, str) else html
    if (regular := normal.written(data)) is not None:
        tree = Tree(regular, limits.max_nodes, limits.max_depth)
        if not _is_shell(tree):
            return tree, head.read(tree, head.structured(data), url), truncated or tree.truncated
    return _parsed(data, url, limits, truncated)


def _is_shell(tree: Tree) -> bool:
    """The page may be a frame that scripts fill, with its text in a <noscript>."""
    return len(tree.out) < _SHELL and b"<noscript" in tree.html


def _parsed(html: bytes, url: str, limits: Limits, truncated: str) -> tuple[Tree | None, head.Head | None, str]:
    """`look` by the parser, for pages that it takes."""
    whole = html
    html = nesting.cut(html, 4 * limits.max_depth)
    if html is not whole:
        truncated = truncated or "max_depth"
    document = LexborHTMLParser(html)
    document.strip_tags(_UNREAD)
    tree = Tree((document.html or "").encode("utf-8", "replace"), limits.max_nodes, limits.max_depth)
    if _is_shell(tree):
        tree = _without_scripts(document, tree, limits)
    return tree, head.read(tree, head.structured(html), url), truncated or tree.truncated


def _without_scripts(document: LexborHTMLParser, shell: Tree, limits: Limits) -> Tree:
    """The page with its <noscript> elements as content, if they hold the text that the page itself lacks: forum software such as
    Discourse sends every thread as a script's data and once more, for readers without scripts, in a <noscript>."""
    document.unwrap_tags(["noscript"])
    tree = Tree((document.html or "").encode("utf-8", "replace"), limits.max_nodes, limits.max_depth)
    return tree if len(tree.out) > _SHELL + len(shell.out) else shell


def measure(tree: Tree, about: head.Head, url: str) -> features.Measured:
    """The features of every block."""
    return features.Measured(tree, about.title, about.summary, pagehints.told(about.ld), pagehints.measure(tree, about, url))
