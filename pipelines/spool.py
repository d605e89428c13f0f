"""Rows in files, and pointers in the shuffle: an engine on one machine keeps what it shuffles in memory, all of it at once.

The files are one attempt's own: they need no fsync and no final name, and go with their folder.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pipelines import storage
from pipelines.settings.run import RunnerSettings

_AT = struct.Struct("<QQ")  # offset, length; the file's name follows
K = TypeVar("K")


@dataclass(frozen=True)
class Spool:
    """What a step gives to a shuffle goes through `put`, what it takes from one through `get`."""

    folder: str  # a local one; "": rows go through the shuffle themselves

    def put(self, name: str, rows: Iterable[tuple[K, bytes]]) -> Iterable[tuple[K, bytes]]:
        """(key, pointer) for each (key, row), the rows written to a file `name`; the same bytes each time, should an engine ask twice."""
        if not self.folder:
            return rows
        out: list[tuple[K, bytes]] = []
        with open(os.path.join(self.folder, name), "wb") as f:
            for key, data in rows:
                out.append((key, _AT.pack(f.tell(), len(data)) + name.encode()))
                f.write(data)
        return out

    def get(self, pointers: Iterable[bytes]) -> Iterator[bytes]:
        """The rows. OSError if a file ends before its row."""
        for pointer in pointers:
            yield self._row(pointer) if self.folder else pointer

    def _row(self, pointer: bytes) -> bytes:
        offset, length = _AT.unpack_from(pointer)
        path = os.path.join(self.folder, pointer[_AT.size :].decode())
        with open(path, "rb") as f:
            f.seek(offset)
            data = f.read(length)
        if len(data) != length:
            raise OSError(f"{path} ends before byte {offset + length}: is the disk full? run the same command again to resume")
        return data


@contextmanager
def spool(runner: RunnerSettings, root: str) -> Generator[Spool]:
    """For one pipeline of a stage with folder `root`; on an engine other than the local one rows are left to the shuffle, which has disks."""
    if runner.name != "local":
        yield Spool("")
        return
    folder = None  # an object store's run is spooled to this machine's temporary folder
    if not storage.is_remote(root):
        folder = storage.join(root.removeprefix("file://"), "work")
        os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="weft-spool-", dir=folder) as name:
        yield Spool(name)
