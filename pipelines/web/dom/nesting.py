"""A look at the bytes before the parser sees them: HTML nested so deep that parsing it takes quadratic time is cut.

Tree construction asks for most start tags which elements are open, so n unclosed elements cost n*n/2 steps (a megabyte of `<div>`
is minutes). Counting `<` and `</` finds such a page at the price of two scans; only a page that looks deep is read tag by tag.
"""

from __future__ import annotations

import re
from typing import Any, Final

_CHUNK: Final = 1 << 16
_TAG: Final = re.compile(rb"<(/?)([a-zA-Z][^\s/>]{0,32})")
_FLAT: Final = frozenset(
    (
        b"p li dt dd td th tr tbody thead tfoot option optgroup br img hr input link meta source area base col embed"
        b" param track wbr rp rt"
    ).split()
)  # close themselves or each other


def cut(html: Any, deepest: int) -> Any:
    """`html`, or its part before the first place where more than `deepest` elements are open."""
    opening, closing = ("<", "</") if isinstance(html, str) else (b"<", b"</")
    open_now = 0
    for at in range(0, len(html), _CHUNK):
        open_now = max(0, open_now + html.count(opening, at, at + _CHUNK) - 2 * html.count(closing, at, at + _CHUNK))
        if open_now > deepest:
            return _cut(html, deepest)
    return html


def _cut(html: Any, deepest: int) -> Any:
    data = html.encode("utf-8", "replace") if isinstance(html, str) else html
    depth = 0
    for m in _TAG.finditer(data):
        if m[2].lower() in _FLAT:
            continue
        depth = max(0, depth - 1) if m[1] else depth + 1
        if depth > deepest:
            return data[: m.start()]
    return html
