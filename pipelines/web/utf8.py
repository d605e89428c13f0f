"""Whether bytes are UTF-8, told without decoding them: the text that Python would make of a page is up to four times as large."""

from __future__ import annotations

from typing import Final

import numpy as np

from filters.compiled import compiled

_BLOCK: Final = 8  # words of eight bytes that are looked at together
_HIGH: Final = np.uint64(0x8080808080808080)


def is_valid(body: bytes) -> bool:
    """The same answer as that of a strict decoder."""
    return _valid(np.frombuffer(body, np.uint8), np.frombuffer(body, np.uint64, len(body) // 8))


@compiled
def _ascii_from(words, i):  # type: ignore[no-untyped-def]
    """The first byte from i on that may be no ASCII; i begins a word."""
    at = i // 8
    while at + _BLOCK <= len(words):
        high = np.uint64(0)
        for k in range(_BLOCK):
            high |= words[at + k]
        if high & _HIGH:
            break
        at += _BLOCK
    while at < len(words) and not words[at] & _HIGH:
        at += 1
    return at * 8


@compiled
def _valid(data, words):  # type: ignore[no-untyped-def]
    """Table 3-7 of the Unicode standard."""
    i, n = 0, len(data)
    while i < n:
        c = data[i]
        if c < 0x80:
            i = _ascii_from(words, i) if i % 8 == 0 and i + 8 <= n and not words[i // 8] & _HIGH else i + 1
            continue
        left = n - i
        if c < 0xE0:
            if c < 0xC2 or left < 2 or data[i + 1] & 0xC0 != 0x80:
                return False
            i += 2
        elif c < 0xF0:
            if left < 3 or data[i + 1] & 0xC0 != 0x80 or data[i + 2] & 0xC0 != 0x80:
                return False
            if (c == 0xE0 and data[i + 1] < 0xA0) or (c == 0xED and data[i + 1] > 0x9F):  # longer than needed; surrogates
                return False
            i += 3
        else:
            if c > 0xF4 or left < 4 or data[i + 1] & 0xC0 != 0x80 or data[i + 2] & 0xC0 != 0x80 or data[i + 3] & 0xC0 != 0x80:
                return False
            if (c == 0xF0 and data[i + 1] < 0x90) or (c == 0xF4 and data[i + 1] > 0x8F):  # longer than needed; beyond the last plane
                return False
            i += 4
    return True
