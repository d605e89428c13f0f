"""What each kept block is to a reader, a paragraph, a heading, a line of a list, a cell of a table, and the text of the nodes they make."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import scan, tags

ROLES: Final = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "code", "table", "quote", "caption")
P, LI, CODE, TABLE, QUOTE, CAPTION = (ROLES.index(r) for r in ("p", "li", "code", "table", "quote", "caption"))
_CELL: Final = 120  # mean characters of a cell above which a table is taken for layout, not data
_STEPS: Final = 12  # containers above a block that are asked

_N: Final = tags.NUMBER
_OWN: Final = np.full(len(_N) + 1, -1, np.int32)  # the role that an element gives its text by itself
for _t, _r in tags.ROLE.items():
    _OWN[_t] = ROLES.index(_r)
_ITEM, _LIST, _CELLS, _ROW, _A_TABLE, _A_QUOTE, _A_PRE = range(1, 8)
_SORT: Final = np.zeros(len(_N) + 1, np.int32)
for _names, _s in (
    (("li", "dt", "dd"), _ITEM), (("ul", "ol", "dl", "menu", "dir"), _LIST), (("td", "th"), _CELLS), (("tr",), _ROW),
    (("table",), _A_TABLE), (("blockquote",), _A_QUOTE), (("pre",), _A_PRE),
):  # fmt: skip
    for _t in _names:
        _SORT[_N[_t]] = _s

_BETWEEN: Final = 3  # bytes between two cells of a row, the widest of what stands between two blocks
_PARENT, _TAG, _SCOPE, _BOX, _AT, _STOP, _BREAKS = scan.PARENT, scan.TAG, scan.SCOPE, scan.BOX, scan.AT, scan.STOP, scan.BREAKS
_IN_TABLE = tags.TABLE


@compiled
def _lines(kept, boxes, blocks, own, sort, out):  # type: ignore[no-untyped-def]
    """For each kept block its role, the list or table it is a line of (-1 = none), its row there."""
    m = boxes.shape[1]
    parts, size, cells = np.zeros(m, np.int32), np.zeros(m, np.int32), np.zeros(m, np.int32)
    for i in kept:
        b = blocks[_BOX, i]
        if boxes[_SCOPE, b] & _IN_TABLE:
            cell = sort[boxes[_TAG, b]] == _CELLS
            while b and sort[boxes[_TAG, b]] != _A_TABLE:
                b = boxes[_PARENT, b]
            parts[b] += 1
            size[b] += blocks[_STOP, i] - blocks[_AT, i]
            cells[b] += cell
    for k in range(len(kept)):
        b = blocks[_BOX, kept[k]]
        role = own[boxes[_TAG, b]]
        owner = line = -1
        if not (1 <= role <= 6 or role == CODE or role == CAPTION):
            item = cell = row = -1
            steps = 0
            role = P
            while b and steps < _STEPS:
                s = sort[boxes[_TAG, b]]
                if s == _ITEM and item < 0:
                    item = b
                elif s == _LIST and item >= 0:
                    role, owner, line = LI, b, item
                    break
                elif s == _CELLS and cell < 0:
                    cell = b
                elif s == _ROW and row < 0:
                    row = b
                elif s == _A_TABLE:
                    if parts[b] > 1 and size[b] <= _CELL * parts[b] and cells[b] * 2 >= parts[b]:
                        role, owner, line = TABLE, b, row
                    break
                elif s == _A_QUOTE:
                    role = QUOTE
                elif s == _A_PRE:
                    role = CODE
                    break
                b = boxes[_PARENT, b]
                steps += 1
            if owner < 0 and item >= 0 and role != CODE:
                role = LI
        out[0, k], out[1, k], out[2, k] = role, owner, line


@compiled
def _join(kept, line, blocks, text, before, starts, nodes, out):  # type: ignore[no-untyped-def]
    """Write the text of the kept blocks to `out`, node by node, and fill `nodes` (see `of`): how many there are."""
    count = o = shown = last_box = 0
    opened = some = False  # a node that may go on; any node or image before
    h_role = h_owner = h_row = -1
    for k in range(len(kept)):
        i = kept[k]
        role, owner, row, box, breaks = line[0, k], line[1, k], line[2, k], blocks[_BOX, i], blocks[_BREAKS, i]
        while shown < len(before) and before[shown] <= i:
            shown += 1
            opened, some = False, True
        part = starts[i] and some
        if part:
            opened = False
        between = 0
        if opened and owner >= 0 and role == h_role and owner == h_owner:
            between = 3 if role == TABLE and row == h_row else 1 if box == last_box and role != TABLE and not breaks else 2
        elif opened and owner < 0 and h_owner == -2 - box and breaks == 1 and last_box == box:
            between = 2
        if between == 0:
            some = some or opened
            opened, h_role, h_owner = True, role, owner if owner >= 0 else -2 - box
            nodes[0, count], nodes[1, count], nodes[2, count], nodes[3, count] = i, role, part, o
            count += 1
        elif between == 2:
            out[o] = 10
            o += 1
        else:
            out[o] = 32
            if between == 3:
                out[o + 1], out[o + 2] = 124, 32
            o += between
        for c in range(blocks[_AT, i], blocks[_STOP, i]):
            out[o] = text[c]
            o += 1
        nodes[4, count - 1] = o
        h_row, last_box = row, box
    return count


def of(tree: Any, kept: Any, before: list[int], starts: Any) -> list[tuple[int, str, bool, str]]:
    """(first block, role, whether a part of the page begins here, text) of each text node. Images that stand `before` these blocks divide
    them, and so do the blocks with `starts` set, if anything comes before them."""
    line, nodes = np.empty((3, len(kept)), np.int32), np.empty((5, len(kept)), np.int32)
    _lines(kept, tree.boxes, tree.blocks, _OWN, _SORT, line)
    out = np.empty(len(tree.out) + _BETWEEN * len(kept), np.uint8)
    count = _join(kept, line, tree.blocks, tree.out, np.array(before, np.int32), starts, nodes, out)
    data = out[: nodes[4, count - 1] if count else 0].tobytes()
    return [
        (first, ROLES[role], bool(part), data[a:b].decode("utf-8", "replace")) for first, role, part, a, b in nodes[:, :count].T.tolist()
    ]
