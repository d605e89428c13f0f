"""The tables of one unit, written as its pages arrive: memory holds one row group, whatever the size of the file."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any

import pyarrow as pa

from pipelines import storage
from schemas import tables
from schemas.layout import table_file
from schemas.manifest import Part

FLUSH_ROWS = {"documents": 1_000, "rejects": 1_000, "nodes": 20_000}
FLUSH_DEFAULT = 5_000


class UnitTables:
    """Buffers rows (dicts) by table and streams them to Parquet. A table without rows gets no file."""

    def __init__(self, root: str, unit: str, schemas: dict[str, pa.Schema]):
        self.root, self.unit, self.schemas = root, unit, schemas
        self.rows: dict[str, int] = dict.fromkeys(schemas, 0)
        self._buffers: dict[str, list[dict[str, Any]]] = {name: [] for name in schemas}
        self._writers: dict[str, Any] = {}
        self._stack = ExitStack()

    def __enter__(self) -> UnitTables:
        self._stack.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            for name in self.schemas:
                self._flush(name)
        self._stack.__exit__(kind, error, trace)

    def add(self, table: str, row: dict[str, Any]) -> int:
        """Add a row; its position in the file."""
        position = self.rows[table]
        self.rows[table] = position + 1
        buffer = self._buffers[table]
        buffer.append(row)
        if len(buffer) >= FLUSH_ROWS.get(table, FLUSH_DEFAULT):
            self._flush(table)
        return position

    def _flush(self, table: str) -> None:
        buffer = self._buffers[table]
        if not buffer:
            return
        if table not in self._writers:
            opened = storage.parquet_writer(self.root, table_file(table, self.unit), self.schemas[table])
            self._writers[table] = self._stack.enter_context(opened)
        self._writers[table].write(pa.Table.from_pylist(buffer, schema=self.schemas[table]))
        buffer.clear()

    def written(self) -> list[tuple[str, Part]]:
        """(table, file) of each table that has rows; valid after the block has ended."""
        return [(name, w.part) for name, w in sorted(self._writers.items())]


def extract_schemas(document_measures: tuple[str, ...], node_measures: tuple[str, ...]) -> dict[str, pa.Schema]:
    """The tables that stage extract writes."""
    return {
        "documents": tables.schema("documents"),
        "rejects": tables.schema("rejects"),
        "document_measures": tables.wide("document_measures", document_measures),
        "nodes": tables.wide("nodes", node_measures),
        "optouts": tables.schema("optouts"),
        "dead": tables.schema("dead"),
    }
