"""The library that reads pages (C++, built when Weft is installed; see setup.py), loaded once a process."""

from __future__ import annotations

import ctypes
import importlib
from functools import cache
from html.entities import html5
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, Final

_NAME: Final = "_native"
_SIZE, _BYTES, _TABLE = ctypes.c_int64, ctypes.c_char_p, ctypes.c_void_p


class NotBuiltError(RuntimeError):
    """The library is not there."""


@cache
def _module() -> Any:
    try:
        return importlib.import_module(f"{__package__}.{_NAME}")
    except ImportError as e:
        raise NotBuiltError(
            f"{Path(__file__).parent} holds no {_NAME}{EXTENSION_SUFFIXES[0]} that can be loaded ({e}): install Weft again where there is a C++"
            " compiler (`make`, or pip install -e .)"
        ) from e


def addresses(*arrays: Any) -> tuple[int, ...]:
    """Where arrays lie. ValueError if one is not contiguous. (`array.ctypes.data` takes fifty times as long.)"""
    return _module().addresses(*arrays)


@cache
def library() -> Any:
    """Its functions. NotBuiltError if it was not built for this Python."""
    loaded = ctypes.CDLL(_module().__file__)
    loaded.weft_normal.argtypes, loaded.weft_normal.restype = (_BYTES, _SIZE, _TABLE, _SIZE), _SIZE
    loaded.weft_scan.argtypes, loaded.weft_scan.restype = (_TABLE, _BYTES, *(_SIZE,) * 3, *(_TABLE, _SIZE) * 5, _TABLE, _TABLE), None
    loaded.weft_name_bits.argtypes, loaded.weft_name_bits.restype = (_TABLE, _BYTES, _SIZE), ctypes.c_int32
    loaded.weft_reference.argtypes, loaded.weft_reference.restype = (_BYTES, _SIZE, ctypes.c_uint32, ctypes.c_uint32), None
    loaded.weft_facts.argtypes, loaded.weft_facts.restype = (*(_TABLE,) * 3, _SIZE, *(_TABLE,) * 4), None
    loaded.weft_words.argtypes, loaded.weft_words.restype = (_BYTES, _SIZE, _TABLE, _TABLE), _SIZE
    loaded.weft_measure.argtypes, loaded.weft_measure.restype = (_TABLE,), None
    loaded.weft_look_around.argtypes, loaded.weft_look_around.restype = (_TABLE,), None
    loaded.weft_rank.argtypes, loaded.weft_rank.restype = (_TABLE, _SIZE, _SIZE, _TABLE, _TABLE, _SIZE, _SIZE, _TABLE), None
    loaded.weft_log_odds.argtypes, loaded.weft_log_odds.restype = (_TABLE, _SIZE, *(_TABLE,) * 3, _SIZE, _SIZE, _TABLE, _SIZE), None
    for name, text in html5.items():
        loaded.weft_reference(name.encode(), len(name), ord(text[0]), ord(text[1]) if len(text) > 1 else 0)
    return loaded
