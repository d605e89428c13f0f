"""HTML as browsers read it, written out regularly, in one pass (normal.cpp), for pages that do not take a parser."""

from __future__ import annotations

import ctypes
import threading
from typing import Final

from pipelines.web.markup import native

_ROOM: Final = 4096  # bytes beyond one and a half times the page: a page that needs more is left to the parser
_MOST: Final = 1 << 20  # bytes of output whose room is kept for the next page
_kept = threading.local()


def written(html: bytes) -> bytes | None:
    """`html` (UTF-8) with every element closed and every attribute quoted, without comments, scripts, styles, SVG and templates; None where it takes
    the parser to read it. NotBuiltError as `native.library`."""
    if b"\0" in html:
        return None
    size = len(html) + len(html) // 2 + _ROOM
    if size > _MOST:
        out = ctypes.create_string_buffer(size)
    elif (out := getattr(_kept, "out", None)) is None:
        out = _kept.out = ctypes.create_string_buffer(_MOST)
    n = native.library().weft_normal(html, len(html), out, size)
    return None if n < 0 else ctypes.string_at(out, n)
