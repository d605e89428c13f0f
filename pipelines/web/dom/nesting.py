"""A look at the bytes before the parser sees them: HTML nested so deep that parsing it takes quadratic time is cut.

Tree construction asks for most start tags which elements are open, so n unclosed elements cost n*n/2 steps (a megabyte of `<div>`
is minutes). Counting `<` and `</` finds such a page at the price of two scans; only a page that looks deep is read tag by tag.
"""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np

from filters.compiled import compiled

_CHUNK: Final = 1 << 16
_TAG: Final = re.compile(rb"<(/?)([a-zA-Z][^\s/>]{0,32})")
_FLAT: Final = frozenset(
    (
        b"p li dt dd td th tr tbody thead tfoot option optgroup br img hr input link meta source area base col embed param track wbr rp rt"
    ).split()
)  # close themselves or each other


def cut(html: Any, deepest: int) -> Any:
    """`html`, or its part before the first place where more than `deepest` elements are open."""
    data = np.frombuffer(html.encode("utf-8", "replace") if isinstance(html, str) else html, np.uint8)
    return _cut(html, deepest) if _looks_deep(data, deepest) else html


@compiled
def _looks_deep(data, deepest):  # type: ignore[no-untyped-def]
    """In some stretch of bytes far more tags are opened than closed. Void elements count, so what looks deep need not be."""
    open_now = 0
    n = len(data) - 1
    for at in range(0, n, _CHUNK):
        change = 0
        part = data[at : min(n, at + _CHUNK) + 1]
        for i in range(len(part) - 1):
            change += (part[i] == 60) * (1 - 2 * (part[i + 1] == 47))
        open_now = max(0, open_now + change)
        if open_now > deepest:
            return True
    return False


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
