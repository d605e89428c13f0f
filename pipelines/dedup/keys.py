"""128-bit keys as arrays, and tables as bytes: what travels through a shuffle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.ids import digest128

KEY = pa.binary(16)


def key_array(hexes: Sequence[str]) -> NDArray[np.uint64]:
    """n x 2 words in the order of the strings (32 hex digits each; anything else is hashed first)."""
    try:
        raw = bytes.fromhex("".join(hexes))
        if len(raw) != 16 * len(hexes) or any(len(h) != 32 for h in hexes):
            raise ValueError
    except ValueError:
        raw = bytes.fromhex("".join(h if is_key(h) else digest128("key", h) for h in hexes))
    return words(raw)


def is_key(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def words(raw: bytes) -> NDArray[np.uint64]:
    """16 bytes per key -> n x 2 words that sort as the bytes do."""
    return np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)


def of_column(column: pa.ChunkedArray | pa.Array) -> NDArray[np.uint64]:
    """A KEY column (nulls as zeros) -> n x 2 words."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # no chunk at all
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], KEY)
    if array.null_count:
        array = array.fill_null(bytes(16))
    buffer = array.buffers()[1]
    raw = bytes(memoryview(buffer)[16 * array.offset : 16 * (array.offset + len(array))]) if buffer is not None else b""
    return words(raw)


def to_column(keys: NDArray[np.uint64]) -> pa.Array:
    raw = np.ascontiguousarray(keys.reshape(-1, 2)).astype(">u8").tobytes()
    return pa.Array.from_buffers(KEY, len(keys), [None, pa.py_buffer(raw)])


def fixed(column: pa.ChunkedArray, width: int) -> NDArray[np.uint8]:
    """A fixed-width binary column without nulls -> n x width bytes."""
    array = pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)
    buffer = array.buffers()[1]
    return np.frombuffer(buffer, np.uint8)[width * array.offset : width * (array.offset + len(array))].reshape(-1, width)


def to_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def from_bytes(parts: Iterable[bytes]) -> pa.Table:
    """The tables in one; in the order of their bytes, so that it does not matter in which order they arrived."""
    return pa.concat_tables([pa.ipc.open_stream(p).read_all() for p in sorted(parts)]).combine_chunks()


def part_of(key: NDArray[np.uint64], parts: int) -> NDArray[np.int64]:
    """A partition number for each hash key, from its low 32 bits: multiplied and shifted, because a 64-bit remainder costs more than the rest
    of the partitioning."""
    return ((key & np.uint64(0xFFFFFFFF)) * np.uint64(parts) >> np.uint64(32)).view(np.int64)


def by_part(to: NDArray[np.integer], parts: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, bounds): the stable order by partition number, and where each partition begins in it (`parts` + 1 places). Linear: two passes,
    whatever the number of partitions."""
    bounds, order = np.zeros(parts + 1, np.int64), np.empty(len(to), np.int64)
    np.cumsum(np.bincount(to, minlength=parts), out=bounds[1:])
    _count_out(to, bounds[:-1].copy(), order)
    return order, bounds


@numba.njit(cache=True, nogil=True)
def _count_out(to, at, order):  # type: ignore[no-untyped-def]
    for i in range(len(to)):
        order[at[to[i]]] = i
        at[to[i]] += 1


def split(table: pa.Table, to: NDArray[np.integer], names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(name, rows as bytes) for each destination that gets any; `to` numbers `names`."""
    order, bounds = by_part(to, len(names))
    table = table.take(pa.array(order))
    for name, begin, end in zip(names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if end > begin:
            yield name, to_bytes(table.slice(begin, end - begin))
