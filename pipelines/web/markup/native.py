"""The library that reads pages (C++, built when Weft is installed; see setup.py), loaded once a process."""

from __future__ import annotations

import ctypes
from functools import cache
from html.entities import html5
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final

_NAME: Final = "_native"
_SIZE, _BYTES, _TABLE = ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p
_BUFFER: Final = ctypes.c_char * 0


class NotBuiltError(RuntimeError):
    """The library is not there."""


def address(table: Any) -> int:
    """Where a writable array lies. TypeError if it is not contiguous. (`table.ctypes.data` takes four times as long.)"""
    return ctypes.addressof(_BUFFER.from_buffer(table))


@cache
def library() -> Any:
    """Its functions. NotBuiltError if it was not built for this Python."""
    here = Path(__file__).parent
    found = [p for p in (here / (_NAME + suffix) for suffix in EXTENSION_SUFFIXES) if p.is_file()]
    if not found:
        raise NotBuiltError(
            f"{here} holds no {_NAME}{EXTENSION_SUFFIXES[0]}: install Weft again where there is a C++ compiler (`make`, or pip install -e .)"
        )
    loaded = ctypes.CDLL(str(found[0]))
    loaded.weft_normal.argtypes, loaded.weft_normal.restype = (_BYTES, _SIZE, _TABLE, _SIZE), _SIZE
    loaded.weft_scan.argtypes, loaded.weft_scan.restype = (_TABLE, _BYTES, *(_SIZE,) * 3, *(_TABLE, _SIZE) * 5, _TABLE, _TABLE), None
    loaded.weft_name_bits.argtypes, loaded.weft_name_bits.restype = (_TABLE, _BYTES, _SIZE), ctypes.c_int32
    loaded.weft_reference.argtypes, loaded.weft_reference.restype = (_BYTES, _SIZE, ctypes.c_uint32, ctypes.c_uint32), None
    loaded.weft_facts.argtypes, loaded.weft_facts.restype = (*(_TABLE,) * 3, _SIZE, *(_TABLE,) * 4), None
    loaded.weft_measure.argtypes, loaded.weft_measure.restype = (_TABLE,), None
    loaded.weft_look_around.argtypes, loaded.weft_look_around.restype = (_TABLE,), None
    loaded.weft_rank.argtypes, loaded.weft_rank.restype = (_TABLE, _SIZE, _SIZE, _TABLE, _TABLE, _SIZE, _SIZE, _TABLE), None
    loaded.weft_log_odds.argtypes, loaded.weft_log_odds.restype = (_TABLE, _SIZE, *(_TABLE,) * 3, _SIZE, _SIZE, _TABLE, _SIZE), None
    for name, text in html5.items():
        loaded.weft_reference(name.encode(), len(name), ord(text[0]), ord(text[1]) if len(text) > 1 else 0)
    return loaded
