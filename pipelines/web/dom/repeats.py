"""Text that a page holds twice: kept once.

Pages carry the same text in several dresses: for narrow screens and for wide ones, as a preview above the thread, as hidden structured data,
as a quotation. Of two blocks that were kept the later one goes if four fifths of its runs of five words were seen before, in blocks at the
end of another path of tags and classes. What is repeated along the same path (rows of a table, cards, verses of a song) is the page's own text
and stays.
"""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom.words import mixed

RUN = 5
LEAST = 8  # words of a block that is compared
SHARE = 0.8


@compiled
def without(keep, word, first, group, gone):  # type: ignore[no-untyped-def]
    """`keep` (one bool a block) without the repeats. Block b's word hashes are word[first[b]:first[b + 1]], group[b] numbers its path,
    gone[b] says that it is not shown."""
    n = len(keep)
    runs = 0
    for b in range(n):
        if keep[b]:
            runs += max(0, first[b + 1] - first[b] - RUN + 1)
    size = 16
    while size < 2 * runs:
        size *= 2
    mask = np.uint64(size - 1)
    table, where = np.zeros(size, np.uint64), np.empty(size, np.int32)  # a run's hash (never 0) and the path it was first seen at
    out = keep.copy()
    for turn in range(2 * n):
        b, unseen = turn % n, turn >= n
        count = first[b + 1] - first[b] - RUN + 1
        if not keep[b] or gone[b] != unseen or count < 1:
            continue
        path = 2 * group[b] + unseen
        again = 0
        slots = np.empty(count, np.int64)
        hashes = np.empty(count, np.uint64)
        for i in range(count):
            h = np.uint64(0)
            for k in range(RUN):
                h = (h ^ word[first[b] + i + k]) * np.uint64(0x9E3779B97F4A7C15)
            h = mixed(h) | np.uint64(1)
            at = h & mask
            while table[at] and table[at] != h:
                at = (at + np.uint64(1)) & mask
            again += table[at] == h and where[at] != path
            slots[i], hashes[i] = at, h
        if count + RUN - 1 >= LEAST and again >= SHARE * count:
            out[b] = False
            continue
        for i in range(count):
            at = np.uint64(slots[i])
            while table[at] and table[at] != hashes[i]:  # runs of this very block may have taken the place since
                at = (at + np.uint64(1)) & mask
            if not table[at]:
                table[at], where[at] = hashes[i], path
    return out
