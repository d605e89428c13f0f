"""The words and characters of several texts, counted in compiled loops over code points; `segment.words` is the same definition in
plain Python, and the oracle.

What is known about a word (`lexicon.Lexicon`) is kept in an open table by a hash of its letters, so that a page's words are looked up
without a Python string being made: a text of a thousand words costs a thousand cache lines instead of three thousand. Words that the
table lacks come back as places in the text, for the lexicon to look at.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from filters.compiled import compiled
from filters.text import characters, segment
from filters.text.ngrams import mixed

FLAGS = 5  # of characters.table() that are counted, in the order of their bits
FOLDED = 0x1E980  # code points from here on have no case
_ODD = frozenset("\u0130\u03a3")  # lower-cased by what stands around them, or to two characters: then the whole text is, before all else
_SPACE, _BASE = characters.SPACE, characters.BASE
_WORD = characters.LETTER | characters.NUMBER
_SPECIAL = characters.SPECIAL
_SELECTORS, _SELECTORS_END = 0xE0100, 0xE01F0


@cache
def lower() -> Any:
    """uint32 small letter of each code point below FOLDED."""
    small = (chr(i).lower() for i in range(FOLDED))
    return np.fromiter((ord(c) if len(c) == 1 else i for i, c in enumerate(small)), np.uint32, FOLDED)


@cache
def marks() -> Any:
    """uint8 for code points below 65,536: 1 = belongs to the character of a spaceless script before it."""
    out = np.zeros(0x10000, np.uint8)
    for a, b in segment.ranges(segment.MARK):
        out[a : b + 1] = 1
    return out


@compiled
def count(codes, starts, table, out):  # type: ignore[no-untyped-def]
    """out[k, t]: characters of text t, codes[starts[t]:starts[t + 1]], with flag 1 << k."""
    for t in range(len(starts) - 1):
        for k in range(5):
            out[k, t] = 0
        for i in range(starts[t], starts[t + 1]):
            f = table[codes[i]]
            out[0, t] += f & 1
            out[1, t] += (f >> 1) & 1
            out[2, t] += (f >> 2) & 1
            out[3, t] += (f >> 3) & 1
            out[4, t] += (f >> 4) & 1


@compiled
def find(keys, key):  # type: ignore[no-untyped-def]
    """Where `key` stands in an open table, or the empty place where it would."""
    mask = np.uint64(len(keys) - 1)
    at = (key >> np.uint64(1)) & mask
    while keys[at] and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@compiled
def cut(codes, starts, table, marks, lower, keys, known, facts, firsts, unknown):  # type: ignore[no-untyped-def]
    """The words of each text. facts[firsts[t]:firsts[t + 1]] is what `known` says of the words of text t; where `keys` lacks a word it
    is 0, and unknown[:, j] is (number of the word, its first code point, the one behind its last, its key). Returns how many are unknown."""
    n_words = n_unknown = 0
    for t in range(len(starts) - 1):
        firsts[t] = n_words
        i, end = starts[t], starts[t + 1]
        while i < end:
            # one token: up to white space or a character of a spaceless script; such a character with its marks
            h = kept = np.uint64(0xCBF29CE484222325)
            first = last = -1  # of the word: from the first letter or number to the last letter, mark or number
            begun = unit = False
            while i < end:
                c = codes[i]
                f = table[c]
                if unit:
                    if not ((c < 0x10000 and marks[c]) or _SELECTORS <= c < _SELECTORS_END):
                        break
                elif f & _BASE:
                    if begun:
                        break
                    unit = True
                elif f & _SPACE or c == 0:
                    i += 1
                    if begun:
                        break
                    continue
                begun = True
                if first < 0 and f & _WORD:
                    first = i
                if first >= 0:
                    h = (h ^ np.uint64(lower[c] if c < FOLDED else c)) * np.uint64(0x100000001B3)
                    if f & _WORD or not f & _SPECIAL:
                        kept, last = h, i
                i += 1
            if first >= 0:
                key = mixed(kept) | np.uint64(1)  # never 0
                at = find(keys, key)
                if keys[at]:
                    facts[n_words] = known[at]
                else:
                    facts[n_words] = 0
                    unknown[0, n_unknown], unknown[1, n_unknown], unknown[2, n_unknown] = n_words, first, last + 1
                    unknown[3, n_unknown] = np.int64(key)
                    n_unknown += 1
                n_words += 1
    firsts[len(starts) - 1] = n_words
    return n_unknown


@compiled
def sums(facts, firsts, shift, mask, out):  # type: ignore[no-untyped-def]
    """out[k, t]: words of text t with bit k of their facts; in the last row the sum of the words' lengths (facts >> shift & mask)."""
    bits = out.shape[0] - 1
    for t in range(len(firsts) - 1):
        for k in range(bits + 1):
            out[k, t] = 0
        for i in range(firsts[t], firsts[t + 1]):
            f = facts[i]
            for k in range(bits):
                out[k, t] += (f >> k) & 1
            out[bits, t] += (f >> shift) & mask


@compiled
def grown(keys, known):  # type: ignore[no-untyped-def]
    """The same table with twice the room."""
    more, values = np.zeros(2 * len(keys), np.uint64), np.empty(2 * len(known), np.int64)
    for i in range(len(keys)):
        if keys[i]:
            at = find(more, keys[i])
            more[at], values[at] = keys[i], known[i]
    return more, values


def is_odd(text: str) -> bool:
    """Whether `text` has letters that `lower` cannot change one by one."""
    return not text.isascii() and any(c in text for c in _ODD)
