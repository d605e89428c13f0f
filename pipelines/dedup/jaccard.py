"""True Jaccard similarity of two shingle sets, and a file that hands out the shingles of single documents.

The file is written once per unit while its texts are in memory anyway (8 bytes per word; deleted when the stage ends), so that a
candidate pair costs two short reads instead of reading pages again or sending them through a shuffle.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from pipelines import storage

_TAIL = struct.Struct("<Q8s")  # documents, magic: at the end, because hashes are written as they come
_MAGIC = b"weftshg1"
_GAP = 1 << 16  # bytes; reading across a smaller gap is cheaper than another request


class Writer:
    """Takes the shingles of a unit, batch after batch. Use within `storage.atomic`."""

    def __init__(self, file: Any):
        self.file = file
        self.ends: list[NDArray[np.int64]] = [np.zeros(1, np.int64)]

    def add(self, hashes: NDArray[np.uint64], offsets: NDArray[np.int64]) -> None:
        """Of the next documents: `hashes[offsets[d]:offsets[d + 1]]` each."""
        self.file.write(np.ascontiguousarray(hashes[: offsets[-1]], "<u8").data.cast("B"))
        self.ends.append(offsets[1:] + self.ends[-1][-1])

    def finish(self) -> None:
        offsets = np.concatenate(self.ends)
        self.file.write(offsets.astype("<i8").tobytes())
        self.file.write(_TAIL.pack(len(offsets), _MAGIC))


def read(path: str, rows: NDArray[np.int64]) -> list[NDArray[np.uint64]]:
    """The shingle sets (sorted, distinct) of the documents `rows` (ascending). Memory: those documents' only."""
    with storage.open_read(path) as f:
        end = f.seek(0, io.SEEK_END)
        f.seek(max(0, end - _TAIL.size))
        tail = f.read(_TAIL.size)
        count, magic = _TAIL.unpack(tail) if len(tail) == _TAIL.size else (0, b"")
        if magic != _MAGIC:
            raise ValueError(f"{path}: not a whole shingle file; delete the stage's folder and run again")
        f.seek(end - _TAIL.size - 8 * count)
        offsets = np.frombuffer(f.read(8 * count), "<i8")
        out: list[NDArray[np.uint64]] = []
        for low, high in _ranges(rows, offsets):
            begin, end = offsets[rows[low]], offsets[rows[high - 1] + 1]
            f.seek(8 * int(begin))
            block = np.frombuffer(f.read(8 * int(end - begin)), "<u8")
            out += [as_set(block[offsets[r] - begin : offsets[r + 1] - begin]) for r in rows[low:high]]
        return out


def _ranges(rows: NDArray[np.int64], offsets: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    """Runs of `rows` that are read in one go."""
    low = 0
    for i in range(1, len(rows) + 1):
        if i == len(rows) or 8 * (offsets[rows[i]] - offsets[rows[i - 1] + 1]) > _GAP:
            if i > low:
                yield low, i
            low = i


def as_set(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    ordered = np.sort(hashes)  # faster here than np.unique, which hashes first
    return ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])] if len(ordered) else ordered


def pairwise(
    a: NDArray[np.uint64], b: NDArray[np.uint64], load: Callable[[int, NDArray[np.int64]], list[NDArray[np.uint64]]], block: int = 4096
) -> NDArray[np.float64]:
    """Jaccard of each pair. A document is numbered `unit << 32 | row`; `load(unit, rows)` reads sets of one unit. Pairs are taken in
    blocks, sorted by the second document, so that memory is `block` pairs however many there are."""
    out = np.empty(len(a), np.float64)
    order = np.lexsort((a, b))
    for begin in range(0, len(order), block):
        part = order[begin : begin + block]
        needed = np.unique(np.concatenate([a[part], b[part]]))
        sets: list[NDArray[np.uint64]] = []
        units = (needed >> np.uint64(32)).astype(np.int64)
        for unit in np.unique(units):
            sets += load(int(unit), (needed[units == unit] & np.uint64(0xFFFFFFFF)).astype(np.int64))
        bounds = np.cumsum([0, *map(len, sets)], dtype=np.int64)
        flat = np.concatenate(sets) if sets else np.zeros(0, np.uint64)
        out[part] = of_sets(flat, bounds, np.searchsorted(needed, a[part]), np.searchsorted(needed, b[part]))
    return out


def of_sets(flat: NDArray[np.uint64], bounds: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Jaccard of the sets number left[i] and right[i]; two empty sets have 0."""
    out = np.empty(len(left), np.float64)
    _merge(flat, bounds, left, right, out)
    return out


@numba.njit(cache=True, nogil=True)
def _merge(flat, bounds, left, right, out):  # type: ignore[no-untyped-def]
    for p in range(len(left)):
        i, i_end = bounds[left[p]], bounds[left[p] + 1]
        j, j_end = bounds[right[p]], bounds[right[p] + 1]
        total = (i_end - i) + (j_end - j)
        both = 0
        while i < i_end and j < j_end:
            x, y = flat[i], flat[j]
            if x == y:
                both += 1
            i += x <= y
            j += y <= x
        out[p] = both / (total - both) if total else 0.0
