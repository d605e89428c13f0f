"""Who stays: the first of its group by (quality, newest, doc_id, place). The same for any order of the input."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.dedup.keys import one


def ranks(column: pa.ChunkedArray | pa.Array) -> NDArray[np.int64]:
    """Numbers that order like the strings of a column (ISO times order like time)."""
    encoded = one(column).dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[encoded.indices.to_numpy()]


def winners(
    group: NDArray[np.uint64], quality: NDArray[np.float64], time: NDArray[np.int64], ids: NDArray[np.uint64], place: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """For each row the position of its group's winner: highest quality, then latest `time`, then smallest id, then smallest place.
    `group` and `ids` are n x 2 words (or n x 1)."""
    out = np.empty(len(place), np.int64)
    if not len(place):  # an earlier run knew every row
        return out
    group = group.reshape(len(place), -1)
    ids = ids.reshape(len(place), -1)
    order = np.lexsort((place, *ids.T[::-1], -time, -np.nan_to_num(quality, nan=-np.inf), *group.T[::-1]))
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)]))
    out[order] = np.repeat(order[starts], np.diff(np.append(starts, len(order))))
    return out
