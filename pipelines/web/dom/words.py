"""What the text of each block looks like, counted in one compiled pass; the words of a text as hashes."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

from filters.compiled import compiled

# rows of `facts`
LENGTH, WORDS, COMMAS, STOPS, ENDS, DIGIT, UPPER, SHOUT, MARK, DIGITS, COPIES, ALIKE = range(12)
FACTS = 12

_CASES = 0x2500  # code points below are looked up for case; scripts with case lie there
_CASE = np.array([(chr(c).isupper()) + 2 * (unicodedata.category(chr(c)) == "Ll") for c in range(_CASES)], np.uint8)
_PRIME, _SEED = np.uint64(0x100000001B3), np.uint64(0xCBF29CE484222325)


@compiled
def mixed(h):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@compiled
def facts_of(out, at, stop, case, facts, words, first):  # type: ignore[no-untyped-def]
    """Fill `facts` (one row per fact, one column per block) and the hashes of the words of block b, words[first[b]:first[b + 1]]."""
    n = len(at)
    hashes = np.empty((2, n), np.uint64)
    used = 0
    for b in range(n):
        length = spaces = commas = stops = digits = upper = lower = mark = 0
        h = g = np.uint64(0xCBF29CE484222325)
        w = np.uint64(0)
        inside = False
        i, end = at[b], stop[b]
        first[b] = used
        cp = 0
        last = before = 0
        while i < end:
            c = out[i]
            size = 1
            if c < 0x80:
                cp = int(c)
            elif c < 0xE0 and i + 1 < end:
                cp, size = ((int(c) & 31) << 6) | (int(out[i + 1]) & 63), 2
            elif c < 0xF0 and i + 2 < end:
                cp, size = ((int(c) & 15) << 12) | ((int(out[i + 1]) & 63) << 6) | (int(out[i + 2]) & 63), 3
            elif i + 3 < end:
                cp, size = ((int(c) & 7) << 18) | ((int(out[i + 1]) & 63) << 12) | ((int(out[i + 2]) & 63) << 6) | (int(out[i + 3]) & 63), 4
            else:
                cp, size = 0xFFFD, end - i
            length += 1
            kind = case[cp] if cp < _CASES else 0
            digit = 48 <= cp <= 57
            h = (h ^ np.uint64(cp)) * _PRIME
            g = (g ^ np.uint64(48 if digit else cp)) * _PRIME
            if length == 1:
                facts[DIGIT, b] = digit
                facts[UPPER, b] = kind == 1
            if kind == 1:
                upper += 1
            elif kind == 2:
                lower += 1
            digits += digit
            if cp == 32:
                spaces += 1
                if last == 46:
                    stops += 1
            elif cp == 44 or cp == 0xFF0C or cp == 0x3001:
                commas += 1
            elif cp == 0x3002:
                stops += 1
            elif cp == 0xA9:
                mark |= 1
            elif cp == 124 or cp == 0xBB or cp == 0x203A:
                mark |= 2
            # words: runs of letters and digits; every ideograph by itself
            alone = 0x3040 <= cp < 0xA000 or 0xAC00 <= cp < 0xD7B0 or cp >= 0x20000
            part = digit or kind > 0 or 97 <= cp <= 122 or (cp >= 0xC0 and not 0x2000 <= cp < 0x2C00 and not 0x3000 <= cp < 0x3040)
            if inside and (alone or not part):
                words[used] = mixed(w)
                used += 1
                inside = False
            if part:
                if not inside:
                    w = np.uint64(0)
                if kind == 1:
                    cp += 32 if cp < 0x450 and cp != 0x130 else 0  # the small letter, for Latin-1, Greek and Cyrillic near enough
                w = w * np.uint64(0x100000001B3) + np.uint64(cp) + np.uint64(1)
                inside = True
                if alone:
                    words[used] = mixed(w)
                    used += 1
                    inside = False
            before, last = last, cp
            i += size
        if inside:
            words[used] = mixed(w)
            used += 1
        ends = (
            last == 46 or last == 33 or last == 63 or last == 58 or last == 0x2026 or last == 0x3002 or last == 0xFF01 or last == 0xFF1F
            or (before == 46 and (last == 34 or last == 0x201D or last == 41))
        )  # fmt: skip
        facts[LENGTH, b], facts[WORDS, b], facts[COMMAS, b] = length, spaces + 1, commas
        facts[STOPS, b], facts[ENDS, b] = stops + ends, ends
        facts[SHOUT, b], facts[MARK, b], facts[DIGITS, b] = upper > 0 and lower == 0, mark, digits
        hashes[0, b], hashes[1, b] = mixed(h), mixed(g)
    first[n] = used
    for row in range(2):
        count = _counts(hashes[row])
        for b in range(n):
            facts[COPIES + row, b] = count[b]


@compiled
def _counts(keys):  # type: ignore[no-untyped-def]
    """How often each of `keys` occurs."""
    n = len(keys)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    table, count = np.zeros(size, np.int32), np.zeros(size, np.int32)
    slot = np.empty(n, np.int64)
    for i in range(n):
        at = keys[i] & mask
        while count[at] and keys[table[at]] != keys[i]:
            at = (at + np.uint64(1)) & mask
        if not count[at]:
            table[at] = i
        count[at] += 1
        slot[i] = at
    out = np.empty(n, np.int32)
    for i in range(n):
        out[i] = count[slot[i]]
    return out


def measure(tree: Any) -> tuple[Any, Any, Any]:
    """(facts of every block, hashes of all words, where each block's words begin)."""
    facts = np.empty((FACTS, tree.n), np.float32)
    words, first = np.empty(len(tree.out) + 1, np.uint64), np.empty(tree.n + 1, np.int32)
    facts_of(tree.out, tree.blocks[0], tree.blocks[1], _CASE, facts, words, first)
    return facts, words[: first[-1]], first


def of(text: str) -> Any:
    """The hashes of the words of `text`."""
    data = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).copy()  # writable, as a page's text: one compiled form serves both
    words, first = np.empty(len(data) + 1, np.uint64), np.empty(2, np.int32)
    ends = np.array([[0], [len(data)]], np.int32)
    facts_of(data, ends[0], ends[1], _CASE, np.empty((FACTS, 1), np.float32), words, first)
    return words[: first[1]]


@compiled
def grams(words, n):  # type: ignore[no-untyped-def]
    """Hashes of every run of `n` words."""
    out = np.empty(max(0, len(words) - n + 1), np.uint64)
    for i in range(len(out)):
        h = np.uint64(0)
        for k in range(n):
            h = (h ^ words[i + k]) * np.uint64(0x9E3779B97F4A7C15)
        out[i] = mixed(h)
    return out


@compiled
def table_of(keys):  # type: ignore[no-untyped-def]
    """A set of hashes (0 is never in it): a power of two slots, as markup/words.h asks it."""
    size = 16
    while size < 3 * len(keys):
        size *= 2
    table = np.zeros(size, np.uint64)
    mask = np.uint64(size - 1)
    for key in keys:
        at = key & mask
        while table[at] and table[at] != key:
            at = (at + np.uint64(1)) & mask
        table[at] = key
    return table
