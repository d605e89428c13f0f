"""From judged blocks to nodes: images in place, lists and tables as readable text, captions with their images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import lines, pictures, scan, tags
from pipelines.web.dom.tree import Tree
from schemas.ids import image_id
from schemas.rows import IMAGE, TEXT, Node

_CAPTION, _ARTICLE, _FIGURE = (tags.NUMBER[t] for t in ("figcaption", "article", "figure"))
_PROMOTED: Final = 200  # bytes of a figure's text above which it is no caption, unless the page says so
_WHOLE: Final = 200  # bytes kept in an article that make it one of several
_IN_ARTICLE: Final = tags.ARTICLE
_PARENT, _TAG, _SCOPE, _START, _END = scan.PARENT, scan.TAG, scan.SCOPE, scan.START, scan.END
_AT, _STOP, _BOX = scan.AT, scan.STOP, scan.BOX


def nodes(tree: Tree, keep: Any, base: str, lead: str = "") -> tuple[Node, ...]:
    """The page's nodes: blocks with `keep` set and the images that belong to them; `lead` is its og:image."""
    shown = pictures.choose(tree, keep, base, lead)
    starts = np.zeros(len(keep), np.bool_)
    _parts(tree.boxes, tree.blocks, keep, starts)
    out: list[Node] = []
    at = 0
    for first, role, part, text in lines.of(tree, np.nonzero(keep)[0], [s.before for s in shown], starts):
        while at < len(shown) and shown[at].before <= first:
            out.append(_image(tree, shown[at], len(out)))
            at += 1
        if part:
            out.append(Node(len(out), TEXT, "end", ""))
        out.append(Node(len(out), TEXT, role, text))
    for s in shown[at:]:
        out.append(_image(tree, s, len(out)))
    return tuple(out)


def _image(tree: Tree, s: pictures.Shown, index: int) -> Node:
    caption = " ".join([tree.text(b) for b in _captions(s.figure, tree.boxes, tree.blocks)]) if s.figure >= 0 else ""
    return Node(index, IMAGE, "image", "", s.url, s.alt, caption, s.width, s.height, image_id(s.url))


@compiled
def _captions(figure, boxes, blocks):  # type: ignore[no-untyped-def]
    """The blocks of a <figure> that caption it: its <figcaption>, or what short text it holds; not those of figures inside it."""
    found = []
    for i in range(boxes[_START, figure], boxes[_END, figure]):
        b, caption = blocks[_BOX, i], False
        while b and boxes[_TAG, b] != _FIGURE:
            caption = caption or boxes[_TAG, b] == _CAPTION
            b = boxes[_PARENT, b]
        if b == figure and (caption or blocks[_STOP, i] - blocks[_AT, i] <= _PROMOTED):
            found.append(i)
    return np.array(found, np.int64)


@compiled
def _parts(boxes, blocks, keep, starts):  # type: ignore[no-untyped-def]
    """Set `starts` for the first kept block of each article after the first, on pages that hold several side by side."""
    n, m = len(keep), boxes.shape[1]
    articles = 0
    for c in range(m):
        articles += boxes[_TAG, c] == _ARTICLE
    if articles < 2:
        return
    held = np.zeros(n + 1, np.int64)
    for b in range(n):
        held[b + 1] = held[b] + (blocks[_STOP, b] - blocks[_AT, b]) * keep[b]
    seen = np.zeros(m, np.bool_)  # containers that had one of several
    for c in range(m):
        up = boxes[_PARENT, c]
        if boxes[_TAG, c] != _ARTICLE or boxes[_SCOPE, up] & _IN_ARTICLE or held[boxes[_END, c]] - held[boxes[_START, c]] < _WHOLE:
            continue
        if seen[up]:
            b = boxes[_START, c]
            while not keep[b]:
                b += 1
            starts[b] = True
        seen[up] = True
