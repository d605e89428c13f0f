"""The words and characters of several texts, counted in compiled loops over code points; `segment.words` is the same definition in
plain Python, and the oracle.

What is known about a word (`lexicon.Lexicon`) is kept in an open table by a hash of its letters, key and facts side by side, so that a
page's words are looked up without a Python string being made, and each costs one cache line. All of a page's words are cut before the
first is looked up: the processor then waits for many of those lines at once. Words that the table lacks come back as places in the text,
for the lexicon to look at.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

from filters.compiled import compiled
from filters.text import characters, segment
from filters.text.ngrams import mixed

FLAGS = 5  # of characters.table() that are counted, in the order of their bits
BITS = 6  # of a word's facts that are counted
SUMS = BITS + 2  # those, the characters of words, words
FOLDED = 0x1E980  # code points from here on have no case
_KIND = 24  # bits of `letters()` from here on are flags, those below are the small letter
_SPACE, _BASE = characters.SPACE << _KIND, characters.BASE << _KIND
_WORD = (characters.LETTER | characters.NUMBER) << _KIND
_SPECIAL = characters.SPECIAL << _KIND
_SMALL = (1 << _KIND) - 1
_SELECTORS, _SELECTORS_END = 0xE0100, 0xE01F0
_LANE, _BLOCK = 12, 4095  # characters are counted in lanes of a 64-bit word, so many bits wide, for so many characters at once


@cache
def letters() -> Any:
    """uint32 for every code point: its flags in characters.table() and its small letter, which one look-up gives. NUL counts as white space."""
    out = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    small = (chr(i).lower() for i in range(FOLDED))
    out[:FOLDED] = np.fromiter((ord(c) if len(c) == 1 else i for i, c in enumerate(small)), np.uint32, FOLDED)
    out |= characters.table().astype(np.uint32) << np.uint32(_KIND)
    out[0] |= _SPACE
    return out


@cache
def marks() -> Any:
    """uint8 for code points below 65,536: 1 = belongs to the character of a spaceless script before it."""
    out = np.zeros(0x10000, np.uint8)
    for a, b in segment.ranges(segment.MARK):
        out[a : b + 1] = 1
    return out


@cache
def lanes() -> Any:
    """uint64 for each byte of flags: 1 in the lane of each flag that is counted."""
    return np.array([sum((i >> k & 1) << k * _LANE for k in range(FLAGS)) for i in range(256)], np.uint64)


@compiled
def count(codes, starts, table, lanes, out):  # type: ignore[no-untyped-def]
    """out[k, t]: characters of text t, codes[starts[t]:starts[t + 1]], with flag 1 << k."""
    for t in range(len(starts) - 1):
        for k in range(5):
            out[k, t] = 0
        for block in range(starts[t], starts[t + 1], _BLOCK):
            n = np.uint64(0)
            for i in range(block, min(block + _BLOCK, starts[t + 1])):
                n += lanes[table[codes[i]]]
            for k in range(5):
                out[k, t] += np.int64((n >> np.uint64(k * _LANE)) & np.uint64(_BLOCK))


@compiled
def find(known, key):  # type: ignore[no-untyped-def]
    """Where `key` stands in an open table, or the empty place where it would. known[i] is a key and what is known of it; a key is odd."""
    mask = np.uint64(len(known) - 1)
    at = (key >> np.uint64(1)) & mask
    while known[at, 0] and known[at, 0] != key:
        at = (at + np.uint64(1)) & mask
    return at


@compiled
def cut(codes, start, end, letters, marks, keys, places):  # type: ignore[no-untyped-def]
    """The words of one text, codes[start:end]; returns how many there are. Word w has the key keys[w] and is codes[places[w, 0]:places[w, 1]]:
    from the first letter or number of a token to its last letter, mark or number. A token ends before white space or a character of a
    spaceless script; such a character with its marks is one."""
    n, i = 0, start
    while i < end:
        e = letters[codes[i]]
        h = kept = np.uint64(0xCBF29CE484222325)
        first = last = -1
        if e & _BASE:
            begun = i
            while i < end:
                c = codes[i]
                if i > begun and not ((c < 0x10000 and marks[c]) or _SELECTORS <= c < _SELECTORS_END):
                    break
                e = letters[c]
                if first < 0 and e & _WORD:
                    first = i
                if first >= 0:
                    h = (h ^ np.uint64(e & _SMALL)) * np.uint64(0x100000001B3)
                    if e & _WORD or not e & _SPECIAL:
                        kept, last = h, i
                i += 1
            if first < 0:
                continue
        elif e & _WORD:
            first = i
            while True:
                h = (h ^ np.uint64(e & _SMALL)) * np.uint64(0x100000001B3)
                if e & _WORD or not e & _SPECIAL:
                    kept, last = h, i
                i += 1
                if i == end:
                    break
                e = letters[codes[i]]
                if e & (_SPACE | _BASE):
                    break
        else:
            i += 1
            continue
        keys[n] = mixed(kept) | np.uint64(1)  # never 0
        places[n, 0], places[n, 1] = first, last + 1
        n += 1
    return n


@compiled
def read(codes, starts, letters, marks, known, facts, firsts):  # type: ignore[no-untyped-def]
    """What is known of the words of each text: facts[firsts[t]:firsts[t + 1]] of those of text t. Returns, for each word that is not known,
    (its number, its first code point, the one behind its last, its key); its facts are 0."""
    longest = 0
    for t in range(len(starts) - 1):
        longest = max(longest, starts[t + 1] - starts[t])
    keys, places = np.empty(longest, np.uint64), np.empty((longest, 2), np.int64)
    unknown, n_unknown, n = np.empty((64, 4), np.int64), 0, 0
    for t in range(len(starts) - 1):
        firsts[t] = n
        for w in range(cut(codes, starts[t], starts[t + 1], letters, marks, keys, places)):
            at = find(known, keys[w])
            facts[n] = known[at, 1]
            if not known[at, 0]:
                if n_unknown == len(unknown):
                    more = np.empty((2 * n_unknown, 4), np.int64)
                    more[:n_unknown] = unknown
                    unknown = more
                unknown[n_unknown, 0], unknown[n_unknown, 1] = n, places[w, 0]
                unknown[n_unknown, 2], unknown[n_unknown, 3] = places[w, 1], np.int64(keys[w])
                n_unknown += 1
            n += 1
    firsts[len(starts) - 1] = n
    return unknown[:n_unknown]


@compiled
def sums(facts, firsts, shift, mask, out):  # type: ignore[no-untyped-def]
    """out[k, t]: words of text t with bit k of their facts; then the sum of the words' characters (facts >> shift & mask), then how many words
    there are."""
    for t in range(len(firsts) - 1):
        stop = flagged = spam = common = alphabetic = required = size = 0
        for i in range(firsts[t], firsts[t + 1]):
            f = facts[i]
            stop += f & 1
            flagged += f >> 1 & 1
            spam += f >> 2 & 1
            common += f >> 3 & 1
            alphabetic += f >> 4 & 1
            required += f >> 5 & 1
            size += f >> shift & mask
        out[0, t], out[1, t], out[2, t], out[3, t], out[4, t], out[5, t] = stop, flagged, spam, common, alphabetic, required
        out[6, t], out[7, t] = size, firsts[t + 1] - firsts[t]


@compiled
def grown(known):  # type: ignore[no-untyped-def]
    """The same table with twice the room."""
    more = np.zeros((2 * len(known), 2), np.uint64)
    for i in range(len(known)):
        if known[i, 0]:
            at = find(more, known[i, 0])
            more[at, 0], more[at, 1] = known[i, 0], known[i, 1]
    return more


@compiled
def put(known, keys, facts):  # type: ignore[no-untyped-def]
    """Put words into a table that has the room. Returns how many were not there before."""
    n = 0
    for i in range(len(keys)):
        at = find(known, keys[i])
        n += known[at, 0] == 0
        known[at, 0], known[at, 1] = keys[i], np.uint64(facts[i])
    return n


@compiled
def choose(keep, codes, starts, facts, firsts, between, some_codes, some_facts):  # type: ignore[no-untyped-def]
    """The texts with keep[t] as one text: their code points with `between` between two texts, and the facts of their words. Returns how many
    words there are."""
    n = m = 0
    begun = False
    for t in range(len(keep)):
        if keep[t]:
            if begun:
                some_codes[n : n + len(between)] = between
                n += len(between)
            begun = True
            more, words = starts[t + 1] - starts[t], firsts[t + 1] - firsts[t]
            some_codes[n : n + more] = codes[starts[t] : starts[t + 1]]
            some_facts[m : m + words] = facts[firsts[t] : firsts[t + 1]]
            n += more
            m += words
    return m


@compiled
def add(keep, counts, between, out):  # type: ignore[no-untyped-def]
    """out[k, 0]: the sum of counts[k, t] over the texts with keep[t], and of between[k, 0] between two of them."""
    for k in range(counts.shape[0]):
        n = out[k, 0] = 0
        for t in range(len(keep)):
            if keep[t]:
                out[k, 0] += counts[k, t] + (between[k, 0] if n else 0)
                n += 1


@compiled
def divide(part, whole, out):  # type: ignore[no-untyped-def]
    """out[k, t] = part[k, t] / whole[t], NaN where `whole` is 0."""
    for k in range(part.shape[0]):
        for t in range(len(whole)):
            out[k, t] = part[k, t] / whole[t] if whole[t] else np.nan


def is_odd(text: str) -> bool:
    """Whether `text` has letters that are lower-cased by what stands around them, or to two characters: then the whole text is, before
    all else."""
    return not text.isascii() and ("\u0130" in text or "\u03a3" in text)
