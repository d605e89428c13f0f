"""Rows of a pass in files, and pointers in the shuffle: an engine on one machine keeps what it shuffles in memory, all of it at once.

The files are this attempt's own: they need no fsync and no final name, and go with the folder.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipelines.dedup.work import Pass

_AT = struct.Struct("<QQ")  # offset, length; the file's name follows


@dataclass(frozen=True)
class Spooled:
    """A pass with the same answers whose rows lie in `folder`, a local one."""

    step: Pass
    folder: str

    def send(self, source: str) -> Iterable[tuple[str, bytes]]:
        return self._written(f"send-{source}", self.step.send(source))

    def settle(self, name: str, parts: list[bytes]) -> Iterable[tuple[str, bytes]]:
        return self._written(f"settle-{name}", self.step.settle(name, list(self._read(parts))))

    def receive(self, unit: str, parts: list[bytes]) -> None:
        self.step.receive(unit, list(self._read(parts)))

    def _written(self, name: str, rows: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        out: list[tuple[str, bytes]] = []
        with open(os.path.join(self.folder, name), "wb") as f:  # the same bytes, should an engine ask twice
            for to, data in rows:
                out.append((to, _AT.pack(f.tell(), len(data)) + name.encode()))
                f.write(data)
        return out

    def _read(self, pointers: list[bytes]) -> Iterator[bytes]:
        for pointer in pointers:
            offset, length = _AT.unpack_from(pointer)
            path = os.path.join(self.folder, pointer[_AT.size :].decode())
            with open(path, "rb") as f:
                f.seek(offset)
                data = f.read(length)
            if len(data) != length:
                raise OSError(f"{path} ends before byte {offset + length}: is the disk full? run the same command again to resume")
            yield data
