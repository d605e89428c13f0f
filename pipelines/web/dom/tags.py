"""What each HTML element means to a reader of text, as small tables by a number of our own for each element."""

from __future__ import annotations

from typing import Final

import numpy as np

INLINE, BLOCK, SKIP, IMAGE, BREAK, LINK, SOURCE, NOSCRIPT, PICTURE, HEAD, ROOT, BODY, STRONG, CODE, TIME = range(15)

_BLOCK = (
    "address article aside blockquote caption center dd details dialog dir div dl dt fieldset figcaption figure footer form frameset "
    "h1 h2 h3 h4 h5 h6 header hgroup legend li main menu nav ol p pre listing plaintext xmp section summary table tbody td tfoot th "
    "thead tr ul search marquee"
).split()
_SKIP = (
    "script style template svg math iframe object embed applet select option textarea button link meta base title canvas audio video map "
    "area param track datalist progress meter noembed noframes rp input basefont bgsound"
).split()
_OTHER = {
    "img": IMAGE, "br": BREAK, "hr": BREAK, "a": LINK, "source": SOURCE, "noscript": NOSCRIPT, "picture": PICTURE, "head": HEAD,
    "html": ROOT, "body": BODY, "b": STRONG, "strong": STRONG, "code": CODE, "kbd": CODE, "samp": CODE, "tt": CODE, "time": TIME,
    "wbr": INLINE, "col": INLINE, "frame": INLINE, "keygen": INLINE,
}  # fmt: skip
_ACTIONS: Final = {t: BLOCK for t in _BLOCK} | {t: SKIP for t in _SKIP} | _OTHER
NUMBER: Final[dict[str, int]] = {t: i for i, t in enumerate(_ACTIONS, 1)}  # 0 = any other element: inline, as CSS has it by default

ROLE: Final[dict[int, str]] = (
    {NUMBER[t]: t for t in ("h1", "h2", "h3", "h4", "h5", "h6")}
    | {NUMBER[t]: "li" for t in ("li", "dt", "dd")}
    | {NUMBER[t]: "code" for t in ("pre", "listing", "plaintext", "xmp")}
    | {NUMBER[t]: "table" for t in ("td", "th")}
    | {NUMBER["blockquote"]: "quote", NUMBER["figcaption"]: "caption"}
)

# Kinds of element a block stands in, as bits a child inherits.
_SCOPES = (
    ("article",), ("main",), ("nav", "menu"), ("aside",), ("header",), ("footer",), ("form", "fieldset", "dialog"), ("ul", "ol", "dir"),
    ("table",), ("blockquote",), ("figure",), ("dl",), ("section",), ("p",), ("details",),
)  # fmt: skip
SCOPE_NAMES: Final = tuple(group[0] if group[0] != "ul" else "list" for group in _SCOPES)
SCOPES: Final = len(_SCOPES)
ARTICLE, MAIN, NAV, ASIDE, HEADER, FOOTER, FORM, LIST, TABLE, QUOTE, FIGURE, DL, SECTION, PARAGRAPH, DETAILS = (
    1 << i for i in range(SCOPES)
)

# flags of an element
VOID, RAW, PRE, CONTROL, WHOLE = 1, 2, 4, 8, 16
_FLAGS = {
    VOID: "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr",  # the serialiser's list
    RAW: "script style iframe noembed noframes xmp plaintext",  # text up to their own end tag, whatever it looks like
    PRE: "pre listing plaintext xmp",
    CONTROL: "button input select textarea",
    WHOLE: "meta link base title",  # kept as written, for pipelines.web.dom.head
}

_N = len(NUMBER) + 1
ACTION: Final = np.zeros(_N, np.uint8)
FLAGS: Final = np.zeros(_N, np.uint8)
SCOPE: Final = np.zeros(_N, np.int32)
for _t, _i in NUMBER.items():
    ACTION[_i] = _ACTIONS[_t]
    FLAGS[_i] = sum(bit for bit, names in _FLAGS.items() if _t in names.split())
    SCOPE[_i] = sum(1 << k for k, group in enumerate(_SCOPES) if _t in group)

SLOTS: Final = 512
_MIX: Final = 0x9E3779B97F4A7C15


def name_hash(name: bytes) -> int:
    """The hash by which the scanner looks elements up (`scan.py` computes the same byte by byte)."""
    h = 0
    for c in name:
        h = (h * 131 + c) & 0xFFFFFFFFFFFFFFFF
    return h


def _table() -> tuple[np.ndarray, np.ndarray]:
    keys, numbers = np.zeros(SLOTS, np.uint64), np.zeros(SLOTS, np.int32)
    for name, number in NUMBER.items():
        h = name_hash(name.encode())
        at = ((h * _MIX) & 0xFFFFFFFFFFFFFFFF) >> 55
        while keys[at]:
            at = (at + 1) % SLOTS
        keys[at], numbers[at] = h, number
    return keys, numbers


KEYS, NUMBERS = _table()  # open addressing, by name_hash
