"""One pass over a page: its blocks of text, the containers they stand in, its images (markup/scan.cpp).

What is read is regular (every element closed, every attribute quoted, `&`, `<`, `>` and no-break spaces escaped): pages are written out so by
`markup.normal`, or by the parser. A block is a run of text that no block-level element or line break interrupts; containers are block-level elements,
and container 0 is the body.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from pipelines.web.dom import hints, tags
from pipelines.web.markup import native

# rows of `boxes`
PARENT, TAG, HINT, INHERITED, SCOPE, START, END, DEPTH, NAME_AT, NAME_END, PICTURES, PICTURES_END, CONTROLS, CONTROLS_END, TIMES, TIMES_END, TAG_AT, TAG_END = range(18)  # fmt: skip # noqa: E501
BOX_ROWS = 18
# rows of `blocks`
AT, STOP, LINKED, LINKS, BOX, BREAKS, STRONG, CODE = range(8)
BLOCK_ROWS = 8
# rows of `pictures`: the block it stands before, container, its attributes, its <picture>'s sources, in a link, in a <noscript>
BEFORE, IN_BOX, A_AT, A_END, S_AT, S_END, IN_LINK, IN_NOSCRIPT = range(8)
PICTURE_ROWS = 8
# rows of `whole`: element, attributes, and (title) content
W_TAG, W_AT, W_END, W_STOP = range(4)
# entries of `sizes`
N_BOXES, N_BLOCKS, N_PICTURES, N_SOURCES, N_WHOLE, N_OUT, CUT_NODES, CUT_DEPTH, HTML_AT, HTML_END = range(10)


class _Vocabulary(ctypes.Structure):
    """What the elements and the words of names mean."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("keys", "numbers")), ("slots", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("action", "flags", "scope", "step", "found")), ("p", ctypes.c_int32), ("title", ctypes.c_int32),
    ]  # fmt: skip


@cache
def _vocabulary() -> Any:
    tables = {"keys": tags.KEYS, "numbers": tags.NUMBERS, "action": tags.ACTION, "flags": tags.FLAGS, "scope": tags.SCOPE, "step": hints.STEP,
              "found": hints.FOUND}  # fmt: skip
    kinds = {"keys": np.uint64, "action": np.uint8, "flags": np.uint8, "step": np.int16}
    assert all(t.dtype == kinds.get(name, np.int32) and t.flags.c_contiguous for name, t in tables.items())
    return ctypes.byref(
        _Vocabulary(
            slots=len(tags.KEYS), p=tags.NUMBER["p"], title=tags.NUMBER["title"], **{name: t.ctypes.data for name, t in tables.items()}
        )
    )


def name_bits(name: bytes) -> int:
    """The groups of `hints` whose words occur in a name."""
    return int(native.library().weft_name_bits(_vocabulary(), name, len(name)))


def scan(
    html: bytes, max_nodes: int, max_depth: int, boxes: Any, blocks: Any, pictures: Any, sources: Any, whole: Any, out: Any, sizes: Any
) -> None:
    """Fill the tables (int32, contiguous). Each has room for an entry per `<`, `whole` for as many as are kept; `out` (uint8) for every byte and 16 more."""
    tables = (boxes, blocks, pictures, sources, whole)
    *at, out_at, sizes_at = native.addresses(*tables, out, sizes)
    rooms = (x for t, a in zip(tables, at, strict=True) for x in (a, t.shape[1]))
    native.library().weft_scan(_vocabulary(), html, len(html), max_nodes, max_depth, *rooms, out_at, sizes_at)
