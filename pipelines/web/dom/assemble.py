"""From judged blocks to nodes: images in place, lists and tables as readable text, captions with their images."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pipelines.web.dom import pictures, tags
from pipelines.web.dom.walk import Tree
from schemas.ids import image_id
from schemas.rows import IMAGE, TEXT, Node

_N: Final = tags.NUMBER
_ROW, _TABLE, _CAPTION, _ARTICLE = _N["tr"], _N["table"], _N["figcaption"], _N["article"]
_CELLS: Final = frozenset((_N["td"], _N["th"]))
_LISTS: Final = frozenset(_N[t] for t in ("ul", "ol", "dl", "menu", "dir"))
_ITEMS: Final = frozenset(_N[t] for t in ("li", "dt", "dd"))
_CELL: Final = 120  # mean characters of a cell above which a table is taken for layout, not data
_PROMOTED: Final = 200  # a caption longer than this is text


def nodes(tree: Tree, keep: Any, base: str) -> tuple[Node, ...]:
    """The page's nodes: blocks with `keep` set and the images that belong to them."""
    shown = pictures.choose(tree, keep, base)
    parts = _parts(tree, keep)
    out: list[Node] = []
    kept = np.nonzero(keep)[0].tolist()
    at = 0
    captions = _captions(tree)
    data = _data_tables(tree, kept)
    group: list[str] = []
    held: tuple[str, int] = ("", -1)
    row = -1
    last_box = -1

    def close() -> None:
        nonlocal held, row
        if group:
            out.append(Node(len(out), TEXT, held[0], "\n".join(group)))
            group.clear()
        held, row = ("", -1), -1

    def show(limit: int) -> None:
        nonlocal at
        while at < len(shown) and shown[at].before <= limit:
            s = shown[at]
            at += 1
            close()
            caption = captions.get(s.figure, "") if s.figure >= 0 else ""
            out.append(Node(len(out), IMAGE, "image", "", s.url, s.alt, caption, s.width, s.height, image_id(s.url)))

    for i in kept:
        show(i)
        if i in parts and out:
            close()
            out.append(Node(len(out), TEXT, "end", ""))
        box = tree.box[i]
        text = tree.text[i]
        role, owner, line = _role(tree, box, data)
        same = (role, owner)
        if owner >= 0 and same == held:
            if role == "table" and line == row:
                group[-1] += " | " + text
            elif box == last_box and role != "table" and not tree.breaks[i]:
                group[-1] += " " + text
            else:
                group.append(text)
        elif owner < 0 and held[1] == -2 - box and tree.breaks[i] == 1 and last_box == box:
            group.append(text)
        else:
            close()
            group.append(text)
            held = same if owner >= 0 else (role, -2 - box)
        row, last_box = line, box
    close()
    show(len(tree.text) + 1)
    return tuple(out)


def _role(tree: Tree, box: int, data: set[int]) -> tuple[str, int, int]:
    """What a block in `box` is, the list or table it is a line of (-1 = none), and its row."""
    tag = tree.tag[box]
    role = tags.ROLE.get(tag)
    if role and role[0] == "h":
        return role, -1, -1
    if role in ("code", "caption"):
        return role, -1, -1
    item = cell = row = -1
    b, steps = box, 0
    quote = False
    while b and steps < 12:
        t = tree.tag[b]
        if t in _ITEMS and item < 0:
            item = b
        elif t in _LISTS and item >= 0:
            return "li", b, item
        elif t in _CELLS and cell < 0:
            cell = b
        elif t == _ROW and row < 0:
            row = b
        elif t == _TABLE:
            if b in data:
                return "table", b, row
            break
        elif t == _N["blockquote"]:
            quote = True
        elif t == _N["pre"]:
            return "code", -1, -1
        b = tree.parent[b]
        steps += 1
    if item >= 0:
        return "li", -1, -1
    return ("quote" if quote else "p"), -1, -1


def _data_tables(tree: Tree, kept: list[int]) -> set[int]:
    """Tables whose cells are short: rows of data rather than columns of a layout."""
    total: dict[int, list[int]] = {}
    for i in kept:
        box = tree.box[i]
        if not tree.scope[box] & tags.TABLE:
            continue
        b = box
        while b and tree.tag[b] != _TABLE:
            b = tree.parent[b]
        t = total.setdefault(b, [0, 0, 0])
        t[0] += 1
        t[1] += len(tree.text[i])
        t[2] += tree.tag[box] in _CELLS
    return {b for b, (n, size, cells) in total.items() if n > 1 and size / n <= _CELL and cells * 2 >= n}


def _captions(tree: Tree) -> dict[int, str]:
    """The caption of each <figure> (by container) that has one."""
    out: dict[int, str] = {}
    for i, box in enumerate(tree.box):
        if not tree.scope[box] & tags.FIGURE:
            continue
        b, caption = box, False
        while b and tree.tag[b] != _N["figure"]:
            caption = caption or tree.tag[b] == _CAPTION
            b = tree.parent[b]
        if caption or len(tree.text[i]) <= _PROMOTED:
            out[b] = f"{out[b]} {tree.text[i]}" if b in out else tree.text[i]
    return out


def _parts(tree: Tree, keep: Any) -> set[int]:
    """The first kept block of each article after the first, on pages that hold several side by side."""
    starts: set[int] = set()
    by_parent: dict[int, list[int]] = {}
    for b, tag in enumerate(tree.tag):
        if tag == _ARTICLE and tree.end[b] > tree.start[b] and not tree.scope[tree.parent[b]] & tags.ARTICLE:
            by_parent.setdefault(tree.parent[b], []).append(b)
    for group in by_parent.values():
        full = [b for b in group if sum(len(tree.text[i]) for i in range(tree.start[b], tree.end[b]) if keep[i]) >= 200]
        for b in full[1:]:
            starts.add(next(i for i in range(tree.start[b], tree.end[b]) if keep[i]))
    return starts
