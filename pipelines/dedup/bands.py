"""Candidate pairs from band keys: sort, find runs of equal keys, pair up.

Up to `all_pairs` members a bucket gives every pair, so its result does not depend on any order. A larger one is a template or a
mirror farm: its members are compared with `leaders` of them only (the ones with the smallest ids), which is linear in its size.
What that can cost is a link between two members that are both unlike every leader; another band finds most of those.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray


def candidates(
    keys: NDArray[np.uint64], ids: NDArray[np.uint64], rows: NDArray[np.uint64], all_pairs: int = 64, leaders: int = 8
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], int]:
    """(a, b, hot): distinct pairs a < b of `rows` values that share a key, sorted; and how many buckets were too big for all pairs.
    `ids` are content hashes (equal for equal documents, whatever their place), used to choose leaders."""
    order = np.argsort(keys)
    shared = np.zeros(len(keys) + 1, bool)
    shared[1:-1] = keys[order[1:]] == keys[order[:-1]]
    order = order[shared[1:] | shared[:-1]]  # most keys occur once: they need no finer order
    order = order[np.lexsort((rows[order], ids[order], keys[order]))]
    keys, rows = keys[order], rows[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else np.zeros(0, np.int64)
    sizes = np.diff(np.append(starts, len(keys))).astype(np.int64)
    cold = sizes <= all_pairs
    total = int(np.where(cold, sizes * (sizes - 1) // 2, _star_pairs(sizes, leaders)).sum())
    out = np.empty((total, 2), np.uint64)
    _pairs(rows, starts, sizes, all_pairs, leaders, out)
    a, b = distinct(out[:, 0], out[:, 1])
    return a, b, int((~cold).sum())


def distinct(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Each unordered pair once, smaller first, sorted; a pair of equal ends goes."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((high, low))
    low, high = low[order], high[order]
    keep = low != high
    if len(low):
        keep[1:] &= (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return low[keep], high[keep]


def _star_pairs(size: NDArray[np.int64], leaders: int) -> NDArray[np.int64]:
    k = np.minimum(leaders, size - 1)
    return k * size - k * (k + 1) // 2


@numba.njit(cache=True, nogil=True)
def _pairs(rows, starts, sizes, all_pairs, leaders, out):  # type: ignore[no-untyped-def]
    at = 0
    for bucket in range(len(starts)):
        begin, size = starts[bucket], sizes[bucket]
        heads = size - 1 if size <= all_pairs else min(leaders, size - 1)
        for i in range(heads):
            for j in range(i + 1, size):
                out[at, 0] = rows[begin + i]
                out[at, 1] = rows[begin + j]
                at += 1
