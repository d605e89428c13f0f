"""Pieces of regular HTML, read byte by byte in compiled code, and the bits that a scan sets beside those of `hints`."""

from __future__ import annotations

from filters.compiled import compiled

HIDDEN_BIT = 1 << 15  # hints.BIT["hidden"], checked in the tests
ITEM_BIT = 1 << 30  # the element has an itemid
GONE_BIT = 1 << 29  # a browser does not show the element, by its own attributes: hidden, display: none, visibility: hidden
_STRETCH = 1 << 10  # bytes that are asked at once whether a word can begin there


@compiled
def attribute(html, i, end):  # type: ignore[no-untyped-def]
    """(start and end of the next attribute's name, of its value, where to go on); start = end when there is none."""
    while i < end and html[i] == 32:
        i += 1
    name = i
    while i < end and html[i] != 32 and not (html[i] == 61 and i > name):
        i += 1
    stop = i
    if i + 1 < end and html[i] == 61 and html[i + 1] == 34:
        i += 2
        value = i
        while i < end and html[i] != 34:
            i += 1
        return name, stop, value, i, i + 1
    return name, stop, i, i, i


@compiled
def find(html, word, at):  # type: ignore[no-untyped-def]
    """Where `word` (three bytes or more) next stands in `html` from `at` on, -1 if nowhere: as bytes.find, which has no vector instructions."""
    n, size = len(html) - len(word), len(word)
    a, b, c = word[0], word[size // 2], word[size - 1]
    while at <= n:
        stop = min(n + 1, at + _STRETCH)
        first, middle, last = html[at:stop], html[at + size // 2 : stop + size // 2], html[at + size - 1 : stop + size - 1]
        some = False
        for i in range(len(first)):
            some = some | ((first[i] == a) & (middle[i] == b) & (last[i] == c))
        if some:
            for i in range(at, stop):
                k = 0
                while k < size and html[i + k] == word[k]:
                    k += 1
                if k == size:
                    return i
        at = stop
    return -1
