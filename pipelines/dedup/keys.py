"""128-bit keys as arrays, and tables as bytes: what travels through a shuffle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.ids import digest128

KEY = pa.binary(16)
Name = TypeVar("Name", str, int)


def key_array(ids: pa.ChunkedArray | pa.Array) -> NDArray[np.uint64]:
    """n x 2 words in the order of a column of strings (32 hex digits each; anything else is hashed first)."""
    array = one(ids)
    try:
        raw = bytes.fromhex(str(_text(array), "ascii"))  # all at once: a list of strings would take ten times the memory
        if len(raw) != 16 * len(array) or not pc.all(pc.equal(pc.binary_length(array), 32), min_count=0).as_py():
            raise ValueError
    except ValueError:
        raw = bytes.fromhex("".join(h if is_key(h) else digest128("key", h) for h in array.to_pylist()))
    return words(raw)


def _text(array: pa.Array) -> memoryview:
    """The bytes of a column of strings without nulls, one behind the other."""
    _, offsets, data = array.buffers()
    if not len(array) or data is None:
        return memoryview(b"")
    at = np.frombuffer(offsets, np.int32)
    return memoryview(data)[at[array.offset] : at[array.offset + len(array)]]


def one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column in one piece."""
    if isinstance(column, pa.Array):
        return column
    return (
        column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    )


def is_key(text: str) -> bool:
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def words(raw: bytes) -> NDArray[np.uint64]:
    """16 bytes per key -> n x 2 words that sort as the bytes do."""
    return np.frombuffer(raw, ">u8").reshape(-1, 2).astype(np.uint64)


def of_column(column: pa.ChunkedArray | pa.Array) -> NDArray[np.uint64]:
    """A KEY column (nulls as zeros) -> n x 2 words."""
    array = one(column)
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
    array = one(column)
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


def split(table: pa.Table, to: NDArray[np.integer], names: Sequence[Name]) -> Iterator[tuple[Name, bytes]]:
    """(name, rows as bytes) for each destination that gets any; `to` numbers `names`."""
    order, bounds = by_part(to, len(names))
    table = table.take(pa.array(order))
    for name, begin, end in zip(names, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        if end > begin:
            yield name, to_bytes(table.slice(begin, end - begin))
