"""The files between the passes of one dedup stage: `work/<what>/<part>.arrow`, deleted when the stage is done.

A pass is three plain functions that a shuffle connects (pipelines/stages/dedup.py):
    send(source)          -> (destination, rows as bytes)
    settle(name, rows)    -> (unit, rows as bytes), or writes a file and gives nothing
    receive(unit, rows)   writes a file
Each writes the same bytes however often and wherever it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines import storage
from pipelines.dedup.keys import part_of, split
from pipelines.settings.dedup import DedupSettings
from pipelines.stage import Done

PLACE = np.uint64(32)  # a document's number is its unit's number << 32 | row

VERDICTS = pa.schema(
    [("row", pa.int32()), ("reason", pa.string()), ("duplicate_of", pa.string()), ("similarity", pa.float64()), ("cluster", pa.string()),
     ("twin", pa.uint64())]
)  # fmt: skip  # twin: number of the document named by duplicate_of, for a similarity still to be computed; 2^64 - 1 = none
NO_TWIN = np.iinfo(np.uint64).max

Sent = Iterable[tuple[str, bytes]]


class Pass(Protocol):
    def send(self, source: str) -> Sent: ...

    def settle(self, name: str, parts: list[bytes]) -> Sent: ...

    def receive(self, unit: str, parts: list[bytes]) -> None: ...


@dataclass(frozen=True)
class Work:
    root: str  # the stage's folder
    extract: Done
    settings: DedupSettings
    units: tuple[str, ...]
    buckets: tuple[str, ...]
    run: str = ""  # name of this run, as the index knows it

    def path(self, what: str, part: str) -> str:
        return storage.join(self.root, "work", what, f"{part}.arrow")

    def write(self, what: str, part: str, table: pa.Table) -> None:
        with storage.atomic(self.path(what, part)) as f, pa.ipc.new_file(f, table.schema) as writer:
            writer.write_table(table)

    def read(self, what: str, part: str, schema: pa.Schema | None = None) -> pa.Table:
        """The table, or an empty one of `schema` if nothing was written for this part."""
        path = self.path(what, part)
        if schema is not None and not storage.exists(path):
            return schema.empty_table()
        with storage.open_read(path) as f:
            return pa.ipc.open_file(f).read_all()

    def shingles(self, unit: str) -> str:
        return storage.join(self.root, "work", "shingles", f"{unit}.bin")

    def clear(self) -> None:
        storage.remove_tree(storage.join(self.root, "work"))

    def number(self, unit: str) -> int:
        return self._numbers[unit]

    @property
    def _numbers(self) -> dict[str, int]:
        if "numbers" not in self.__dict__:
            object.__setattr__(self, "numbers", {u: i for i, u in enumerate(self.units)})
        return self.__dict__["numbers"]

    def places(self, unit: str, rows: NDArray[np.integer]) -> NDArray[np.uint64]:
        return (np.uint64(self.number(unit)) << PLACE) | rows.astype(np.uint64)

    def documents(self, unit: str, columns: list[str], after: Iterable[str]) -> pa.Table:
        """The unit's documents that no pass of `after` has dropped."""
        table = self.read("documents", unit).select(columns)
        alive = np.ones(len(table), bool)
        for name in after:
            alive[self.dropped(name, unit)] = False
        return table.filter(pa.array(alive))

    def dropped(self, name: str, unit: str) -> NDArray[np.int32]:
        """Rows that pass `name` drops. A row of `near` without a reason only tells its cluster."""
        verdicts = self.read(name, unit, VERDICTS)
        return verdicts["row"].to_numpy()[verdicts["reason"].to_numpy(zero_copy_only=False) != ""]

    def to_buckets(self, table: pa.Table, key: NDArray[np.uint64]) -> Iterator[tuple[str, bytes]]:
        """Rows by a hash key (its low 32 bits)."""
        return split(table, part_of(key, len(self.buckets)), self.buckets)

    def to_units(self, table: pa.Table, place: NDArray[np.uint64]) -> Iterator[tuple[str, bytes]]:
        """Rows to the units their documents lie in."""
        return split(table, (place >> PLACE).astype(np.int64), self.units)


def rows_of(place: NDArray[np.uint64]) -> pa.Array:
    return pa.array((place & np.uint64(0xFFFFFFFF)).astype(np.int32))
