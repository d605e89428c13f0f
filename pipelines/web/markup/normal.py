"""HTML as browsers read it, written out regularly, in one pass (normal.cpp), for pages that do not take a parser.

The library is built when Weft is installed (setup.py), by any C++ compiler. Without it every page is read by the parser, with the same result.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from html.entities import html5
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final

_NAME: Final = "_normal"
_ROOM: Final = 4096  # bytes beyond one and a half times the page: a page that needs more is left to the parser
_MOST: Final = 1 << 20  # bytes of output whose room is kept for the next page
_kept = threading.local()


def written(html: bytes) -> bytes | None:
    """`html` (UTF-8) with every element closed and every attribute quoted, without comments, scripts, styles and SVG; None where it takes the
    parser to read it, or the library was not built."""
    library = _library()
    if library is None or b"\0" in html:
        return None
    size = len(html) + len(html) // 2 + _ROOM
    if size > _MOST:
        out = ctypes.create_string_buffer(size)
    elif (out := getattr(_kept, "out", None)) is None:
        out = _kept.out = ctypes.create_string_buffer(_MOST)
    n = library.weft_normal(html, len(html), out, size)
    return None if n < 0 else ctypes.string_at(out, n)


def is_built() -> bool:
    return _library() is not None


@cache
def _library() -> Any:
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(_NAME + suffix)
        if path.is_file():
            break
    else:
        return None
    library = ctypes.CDLL(str(path))
    library.weft_normal.argtypes = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)
    library.weft_normal.restype = ctypes.c_int64
    library.weft_reference.argtypes = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_uint32, ctypes.c_uint32)
    library.weft_reference.restype = None
    for name, text in html5.items():
        library.weft_reference(name.encode(), len(name), ord(text[0]), ord(text[1]) if len(text) > 1 else 0)
    return library
