"""What a block looks like, as numbers: its own text, the containers it stands in, its neighbours, the page.

All of a page's blocks are measured in one pass over its tables (markup/features.cpp). Nothing here knows a language: words are counted and
compared, never read.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import numpy as np

from pipelines.web.dom import context, hints, pagehints, repeats, scan, tags, words
from pipelines.web.dom.context import LEVELS
from pipelines.web.dom.markup import GONE_BIT
from pipelines.web.markup import native

_TABLE, _SIZE = ctypes.c_void_p, ctypes.c_int64
_N: Final = tags.NUMBER
KIND: Final = np.zeros(len(_N) + 1, np.float32)
for _t, _k in dict(
    p=1,
    li=2,
    td=3,
    th=3,
    pre=4,
    dt=5,
    dd=5,
    blockquote=6,
    figcaption=7,
    h1=8,
    h2=9,
    h3=10,
    h4=11,
    h5=12,
    h6=12,
    div=13,
    section=14,
    article=14,
).items():
    KIND[_N[_t]] = _k

_TEXT = (
    "length words word_length link_density links commas stops ends digit_first upper_first shout mark breaks copies alike digits strong"
    " code in_title covers_title in_summary in_ld kind kind_p kind_li heading depth"
).split()
_OF_LEVEL = "share link prose per_block blocks stops headings pictures controls times tag twins twin_share twin_mean".split()
_PATH = "path_count path_share path_link path_mean path_prose path_span".split()
_CORE = [f"{root}_{what}" for root in ("body", "core", "heart") for what in ("in", "off", "density", "rel")]
_MEET = "title_up title_share title_off longest_up longest_share longest_off".split()
_PLACE = "place index from_end prose_place after_h1 since_heading last_heading".split()
_NEAR = [f"{side}{k}_{what}" for k in (1, 2, 3) for side in ("prev", "next") for what in ("length", "link", "kind")]
_AROUND = [f"{what}{k}_{of}" for k in (4, 12) for what, of in (("near", "plain"), ("before", "prose"), ("after", "prose"))]
_PAGE = (
    "page_length page_blocks page_link page_prose page_p page_li page_cells page_longest page_twins page_articles page_forums page_pictures"
    " page_controls page_times page_headings page_mean"
).split()
NAMES: Final[tuple[str, ...]] = (
    *_TEXT, *(f"in_{s}" for s in tags.SCOPE_NAMES), *(f"near_{h}" for h in hints.NAMES), *(f"at_{h}" for h in hints.NAMES),
    *(f"c{k}_{what}" for k in range(1, LEVELS + 1) for what in _OF_LEVEL), *_PATH, *_CORE, *_MEET, *_PLACE, *_NEAR, *_AROUND, *_PAGE,
    *pagehints.NAMES,
)  # fmt: skip
_HINT, _INHERITED, _BOX = scan.HINT, scan.INHERITED, scan.BOX


class _Page(ctypes.Structure):
    """What markup/features.cpp is given."""

    _fields_ = [
        ("html", ctypes.c_char_p), ("boxes", _TABLE), ("n_boxes", _SIZE), ("blocks", _TABLE), ("n_blocks", _SIZE), ("facts", _TABLE), ("word", _TABLE),
        ("first", _TABLE), ("title", _TABLE), ("title_slots", _SIZE), ("summary", _TABLE), ("summary_slots", _SIZE), ("told", _TABLE),
        ("told_slots", _SIZE), ("kinds", _TABLE), ("scopes", _SIZE), ("hints", _SIZE), ("article", ctypes.c_int32), ("forum", ctypes.c_int32),
        ("page", _TABLE), ("n_page", _SIZE), ("up", _TABLE), ("group", _TABLE), ("twin_group", _TABLE), ("n_groups", _SIZE), ("n_twins", _SIZE),
        ("x", _TABLE),
    ]  # fmt: skip


def measure_into(
    html: bytes, boxes: Any, blocks: Any, facts: Any, word: Any, first: Any, title: Any, summary: Any, told: Any, page: Any, x: Any
) -> tuple[Any, Any, int, Any, int]:
    """Fill x (features, blocks; float32) in the order of NAMES; returns what `context_into` and the pictures need again: the next larger
    container of each, the number of each block's path and how many there are, the number of each container's kind of twins and how many.

    `title`, `summary` and `told` are sets of hashes (`words.table_of`), `page` (float32) is the same for all blocks.
    """
    n, m = blocks.shape[1], boxes.shape[1]
    up, group, twin_group = np.empty(m, np.int32), np.empty(n, np.int32), np.empty(m, np.int32)
    tables = {"boxes": boxes, "blocks": blocks, "facts": facts, "word": word, "first": first, "title": title, "summary": summary,
              "told": told, "kinds": KIND, "page": page, "up": up, "group": group, "twin_group": twin_group, "x": x}  # fmt: skip
    assert x.shape == (len(NAMES), n)
    given = _Page(
        html=html, n_boxes=m, n_blocks=n, title_slots=len(title), summary_slots=len(summary), told_slots=len(told), scopes=len(tags.SCOPE_NAMES),
        hints=len(hints.NAMES), article=_N["article"], forum=hints.BIT["forum"], n_page=len(page),
        **dict(zip(tables, native.addresses(*tables.values()), strict=True)),
    )  # fmt: skip
    native.library().weft_measure(ctypes.byref(given))
    return up, group, given.n_groups, twin_group, given.n_twins


class Measured:
    """The features of a page's blocks, and what the second look needs beside them."""

    def __init__(self, tree: Any, title: str, summary: str, told: str, page: tuple[float, ...]):
        self.tree = tree
        self.facts, word, first = words.measure(tree)
        self.words = word, first
        self.x = np.empty((len(NAMES) + len(context.NAMES), tree.n), np.float32)
        told_grams = words.table_of(words.grams(words.of(told), 3))
        self.tables = measure_into(
            tree.html, tree.boxes, tree.blocks, self.facts, word, first, words.table_of(words.of(title)), words.table_of(words.of(summary)),
            told_grams, np.array(page, np.float32), self.x[: len(NAMES)],
        )  # fmt: skip

    def once(self, keep: Any) -> Any:
        """The blocks to keep without those that repeat others."""
        boxes, box = self.tree.boxes, self.tree.blocks[_BOX]
        gone = ((boxes[_HINT] | boxes[_INHERITED])[box] & GONE_BIT) > 0
        return repeats.without(keep, *self.words, self.tables[1], gone)

    def look_around(self, p: Any) -> None:
        """Fill the second look's features from the first look's chances."""
        kind = self.x[NAMES.index("kind")]
        around = self.x[len(NAMES) :]
        context.context_into(p.astype(np.float32), self.tree.boxes, self.tree.blocks, self.facts[words.LENGTH], kind, *self.tables, around)
