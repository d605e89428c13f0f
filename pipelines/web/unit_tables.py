"""The tables of one unit, written as its pages arrive: memory holds one row group, whatever the size of the file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate, chain
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines import storage
from schemas import tables
from schemas.layout import table_file
from schemas.manifest import Part

FLUSH_ROWS = {"documents": 1_000, "rejects": 1_000, "nodes": 20_000}
FLUSH_DEFAULT = 5_000

DOCUMENT = ("doc_id", "url", "canonical_url", "domain", "crawl", "warc_path", "warc_offset", "warc_length", "fetched_at", "title",
            "language", "language_score")  # fmt: skip
VERDICT = ("kept", "first_reason", "reasons", "shadow_reasons")
COLUMNS: dict[str, tuple[str, ...]] = {  # the order in which rows are given; measures follow
    "documents": (*DOCUMENT, "nodes"),
    "rejects": (*DOCUMENT, "nodes"),
    "document_measures": (*DOCUMENT, "unit", "record", "row", "n_text", "n_images", "text_bytes", *VERDICT),
    "nodes": ("doc_id", "unit", "record", "index", "kind", "role", "image_id", "url", "text_bytes", "document_kept", *VERDICT, "language"),
    "optouts": ("subject", "id", "url", "signal", "value", "token", "acted", "seen_at", "evidence"),
    "archived": ("image_id", "url", "path", "offset", "length", "content_type", "fetched_at"),
    "dead": ("stage", "unit", "id", "url", "path", "offset", "length", "kind", "message", "trace"),
}


class UnitTables:
    """Buffers rows (in the order of `COLUMNS` and then of the measures) as columns and streams them to Parquet. A table without rows
    gets no file. The measures of nodes come and stay as blocks of float64: there are some hundreds a page."""

    def __init__(self, root: str, unit: str, document_measures: tuple[str, ...], node_measures: tuple[str, ...]):
        self.root, self.unit = root, unit
        measures = {"document_measures": document_measures, "nodes": node_measures}
        self.schemas = {n: tables.wide(n, measures[n]) if n in measures else tables.schema(n) for n in COLUMNS}
        self.columns = {n: (*c, *measures.get(n, ())) for n, c in COLUMNS.items()}
        self.rows: dict[str, int] = dict.fromkeys(COLUMNS, 0)
        buffered = {**self.columns, "nodes": COLUMNS["nodes"]}
        self._buffers: dict[str, tuple[list[Any], ...]] = {n: tuple([] for _ in c) for n, c in buffered.items()}
        self._measures: list[np.ndarray] = []  # (measures, rows) of the buffered nodes
        self._writers: dict[str, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> UnitTables:
        self._stack.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                for name in COLUMNS:
                    self._flush(name)
        except BaseException as e:
            self._stack.__exit__(type(e), e, e.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def add(self, table: str, row: tuple[Any, ...]) -> int:
        """Add a row; its position in the file."""
        position = self.rows[table]
        self.rows[table] = position + 1
        for column, value in zip(self._buffers[table], row, strict=True):
            column.append(value)
        if len(self._buffers[table][0]) >= FLUSH_ROWS.get(table, FLUSH_DEFAULT):
            self._flush(table)
        return position

    def add_nodes(self, columns: Sequence[Sequence[Any]], measures: np.ndarray) -> None:
        """Add as many nodes as each of the columns is long, and each row of `measures` (NaN: does not apply); ValueError if they differ,
        as they would be rows of others from there on."""
        n, expected = len(columns[0]), len(self.columns["nodes"]) - len(COLUMNS["nodes"])
        if any(len(c) != n for c in columns) or measures.shape != (expected, n):
            raise ValueError(
                f"columns of nodes with {sorted({len(c) for c in columns})} rows, measures {measures.shape}, not {(expected, n)}"
            )
        self.rows["nodes"] += n
        self._measures.append(measures)
        for column, values in zip(self._buffers["nodes"], columns, strict=True):
            column.extend(values)
        while len(self._buffers["nodes"][0]) >= FLUSH_ROWS["nodes"]:
            self._flush("nodes")

    def _flush(self, table: str) -> None:
        """Write what is buffered, at most a table's FLUSH_ROWS."""
        buffer, most = self._buffers[table], FLUSH_ROWS.get(table, FLUSH_DEFAULT)
        if not buffer[0]:
            return
        if table not in self._writers:
            opened = storage.parquet_writer(self.root, table_file(table, self.unit), self.schemas[table])
            self._writers[table] = self._stack.enter_context(opened)
        columns: list[Any] = [c[:most] for c in buffer]
        if table == "nodes":
            measures = np.concatenate(self._measures, axis=1)
            columns.extend(measures[:, :most])
            self._measures = [measures[:, most:].copy()]
        self._writers[table].write(arrow(columns, self.columns[table], self.schemas[table]))
        for column in buffer:
            del column[:most]

    def written(self) -> list[tuple[str, Part]]:
        """(table, file) of each table that has rows; valid after the block has ended."""
        return [(name, w.part) for name, w in sorted(self._writers.items())]


def arrow(columns: Sequence[list[Any] | np.ndarray], names: tuple[str, ...], schema: pa.Schema) -> pa.Table:
    """Columns of one length as a table of `schema`; columns that are not given are null, and so is NaN in arrays."""
    given = dict(zip(names, columns, strict=True))
    return pa.Table.from_arrays([_array(given.get(f.name), f.type, len(columns[0])) for f in schema], schema=schema)


def _array(values: list[Any] | np.ndarray | None, kind: pa.DataType, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, kind)
    if isinstance(values, np.ndarray):
        return pa.array(values, kind, from_pandas=True)
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):  # lists of tuples
        fields = kind.value_type
        flat = list(chain.from_iterable(values))
        parts = zip(*flat, strict=True) if flat else [()] * fields.num_fields
        inner = pa.StructArray.from_arrays([pa.array(p, f.type) for p, f in zip(parts, fields, strict=True)], fields=list(fields))
        return pa.ListArray.from_arrays(pa.array([0, *accumulate(map(len, values))], pa.int32()), inner, type=kind)
    return pa.array(values, kind)
