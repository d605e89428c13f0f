"""What a part of the work leaves behind goes back to the system, so that a worker's memory does not creep up over thousands of parts."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any


def give_back() -> None:
    """Return the C library's free memory (glibc keeps what lies between pieces still in use). Nothing where the library has no such call."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> Any | None:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
