"""Rows on their way to id order: files that hold one record batch for each id range, so that a range reads its own rows of a file and no
others. (Of a Parquet file it would read at least a row group, and every range all files' footers.)

Ids are hexadecimal digits; range `n` of `of` holds those whose first four digits lie in [n, n + 1) * 65536 / of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines import storage

_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


def numbers(ids: pa.ChunkedArray, of: int) -> NDArray[np.int64]:
    """The range that each id belongs to."""
    edges = np.array([f"{i * 65536 // of:04x}" for i in range(1, of)], dtype=object)
    return np.searchsorted(edges, ids.to_numpy(), side="right")


def write(path: str, table: pa.Table, key: str, of: int) -> None:
    """The table's rows by range of their `key`; within a range their order stays."""
    number = numbers(table[key], of)
    order = np.argsort(number, kind="stable")
    ordered = table.take(pa.array(order)) if np.any(np.diff(number) < 0) else table
    bounds = np.searchsorted(number[order], np.arange(of + 1)).tolist()
    with storage.atomic(path) as f, pa.ipc.new_file(f, table.schema, options=_OPTIONS) as writer:
        for begin, end in zip(bounds[:-1], bounds[1:], strict=True):
            writer.write_batch(_one(ordered.slice(begin, end - begin)))


def read(paths: Iterable[str], number: int) -> pa.Table:
    """One range's rows of files that `write` or `gather` wrote, file after file."""
    found = []
    for path in paths:
        with storage.open_read(path) as f:
            found.append(_table(pa.ipc.open_file(f).get_batch(number)))
    return pa.concat_tables(found, promote_options="permissive")


def gather(paths: Sequence[str], to: str) -> None:
    """Several such files as one. Every source is open, but only one range's rows are held."""
    with ExitStack() as stack:
        sources = [pa.ipc.open_file(stack.enter_context(storage.open_read(path))) for path in paths]
        schema = pa.unify_schemas([s.schema for s in sources], promote_options="permissive")
        f = stack.enter_context(storage.atomic(to))
        writer = stack.enter_context(pa.ipc.new_file(f, schema, options=_OPTIONS))
        for n in range(sources[0].num_record_batches):
            found = pa.concat_tables([_table(s.get_batch(n)) for s in sources], promote_options="permissive")
            writer.write_batch(_one(found))


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def _one(table: pa.Table) -> pa.RecordBatch:
    """All rows as one batch, also of none."""
    return pa.RecordBatch.from_arrays([c.combine_chunks() for c in table.columns], schema=table.schema)
