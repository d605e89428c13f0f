"""From judged blocks to nodes: images in place, lists and tables as readable text, captions with their images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pipelines.web.dom import lines, pictures, scan, tags
from pipelines.web.dom.tree import Tree
from schemas.ids import image_id
from schemas.rows import IMAGE, TEXT, Node

_CAPTION, _ARTICLE, _FIGURE = (tags.NUMBER[t] for t in ("figcaption", "article", "figure"))
_PROMOTED: Final = 200  # bytes of a figure's text above which it is no caption, unless the page says so
_WHOLE: Final = 200  # bytes kept in an article that make it one of several


def nodes(tree: Tree, keep: Any, base: str, lead: str = "") -> tuple[Node, ...]:
    """The page's nodes: blocks with `keep` set and the images that belong to them; `lead` is its og:image."""
    shown = pictures.choose(tree, keep, base, lead)
    kept = np.nonzero(keep)[0]
    starts = _parts(tree, keep)
    out: list[Node] = []
    at = 0
    group: list[str] = []
    held: tuple[int, int] = (-1, -1)
    row = last_box = -1
    data = tree.bytes

    def close() -> None:
        if group:
            out.append(Node(len(out), TEXT, lines.ROLES[held[0]], "\n".join(group)))
            group.clear()

    def show(limit: int) -> None:
        nonlocal at, held, row
        while at < len(shown) and shown[at].before <= limit:
            s = shown[at]
            at += 1
            close()
            held, row = (-1, -1), -1
            caption = _caption(tree, s.figure) if s.figure >= 0 else ""
            out.append(Node(len(out), IMAGE, "image", "", s.url, s.alt, caption, s.width, s.height, image_id(s.url)))

    facts = zip(
        kept.tolist(), lines.of(tree, kept), tree.blocks[scan.BOX, kept].tolist(), tree.blocks[scan.BREAKS, kept].tolist(),
        tree.blocks[scan.AT, kept].tolist(), tree.blocks[scan.STOP, kept].tolist(), strict=True,
    )  # fmt: skip
    for i, (role, owner, line), box, breaks, begin, end in facts:
        show(i)
        if i in starts and out:
            close()
            held, row = (-1, -1), -1
            out.append(Node(len(out), TEXT, "end", ""))
        text = data[begin:end].decode("utf-8", "replace")
        if owner >= 0 and (role, owner) == held:
            if role == lines.TABLE and line == row:
                group[-1] += " | " + text
            elif box == last_box and role != lines.TABLE and not breaks:
                group[-1] += " " + text
            else:
                group.append(text)
        elif owner < 0 and held[1] == -2 - box and breaks == 1 and last_box == box:
            group.append(text)
        else:
            close()
            group.append(text)
            held = (role, owner if owner >= 0 else -2 - box)
        row, last_box = line, box
    close()
    show(tree.n + 1)
    return tuple(out)


def _caption(tree: Tree, figure: int) -> str:
    """The text of a <figure>: its <figcaption>, or what short text it holds; not that of figures inside it."""
    found = []
    for i in range(tree.start[figure], tree.end[figure]):
        b, caption = tree.box[i], False
        while b and tree.tag[b] != _FIGURE:
            caption = caption or tree.tag[b] == _CAPTION
            b = tree.parent[b]
        if b == figure and (caption or tree.size[i] <= _PROMOTED):
            found.append(tree.text(i))
    return " ".join(found)


def _parts(tree: Tree, keep: Any) -> set[int]:
    """The first kept block of each article after the first, on pages that hold several side by side."""
    articles = np.nonzero(tree.boxes[scan.TAG] == _ARTICLE)[0]
    if len(articles) < 2:
        return set()
    starts: set[int] = set()
    by_parent: dict[int, list[int]] = {}
    held = np.concatenate(([0], np.cumsum(np.array(tree.size) * keep)))
    for b in articles.tolist():
        if not tree.scope[tree.parent[b]] & tags.ARTICLE and held[tree.end[b]] - held[tree.start[b]] >= _WHOLE:
            by_parent.setdefault(tree.parent[b], []).append(b)
    for group in by_parent.values():
        starts |= {next(i for i in range(tree.start[b], tree.end[b]) if keep[i]) for b in group[1:]}
    return starts
