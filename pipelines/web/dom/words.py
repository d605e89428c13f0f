"""What the text of each block looks like, counted in one pass (markup/words.cpp); the words of a text as hashes."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np

from filters.compiled import compiled
from pipelines.web.markup import native

# rows of `facts`
LENGTH, WORDS, COMMAS, STOPS, ENDS, DIGIT, UPPER, SHOUT, MARK, DIGITS, COPIES, ALIKE = range(12)
FACTS = 12

_CASES = 0x2500  # code points below are looked up for case; scripts with case lie there
_CASE = np.array([(chr(c).isupper()) + 2 * (unicodedata.category(chr(c)) == "Ll") for c in range(_CASES)], np.uint8)


@compiled
def mixed(h):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


def facts_of(out: Any, at: Any, stop: Any, facts: Any, words: Any, first: Any) -> None:
    """Fill `facts` (float32; one row per fact, one column per block) and the hashes of the words of block b, words[first[b]:first[b + 1]]
    (uint64; room for one per byte of `out`). Block b is out[at[b]:stop[b]], UTF-8."""
    out_at, at_at, stop_at, *tables = native.addresses(out, at, stop, _CASE, facts, words, first)
    native.library().weft_facts(out_at, at_at, stop_at, len(at), *tables)


def measure(tree: Any) -> tuple[Any, Any, Any]:
    """(facts of every block, hashes of all words, where each block's words begin)."""
    facts = np.empty((FACTS, tree.n), np.float32)
    words, first = np.empty(len(tree.out) + 1, np.uint64), np.empty(tree.n + 1, np.int32)
    facts_of(tree.out, tree.blocks[0], tree.blocks[1], facts, words, first)
    return facts, words[: first[-1]], first


def of(text: str) -> Any:
    """The hashes of the words of `text`."""
    data = text.encode("utf-8", "replace")
    words = np.empty(len(data) + 1, np.uint64)
    return words[: native.library().weft_words(data, len(data), *native.addresses(_CASE, words))]


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
