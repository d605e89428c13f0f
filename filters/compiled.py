"""Loops compiled by numba, kept in numba's cache on disk where there is a place for it (see pipelines.web.prepare)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Any:
    """`function` compiled on first use. Where no cache can be written it is compiled anew in each process."""
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:  # numba finds no folder for its cache (read-only install, no home)
        return numba.njit(nogil=True)(function)
