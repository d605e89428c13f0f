"""What a bucket has fetched so far, on disk: a killed worker starts again where its journal ends."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from msgspec import DecodeError
from msgspec.json import decode, encode

SYNC_SECONDS = 2.0  # between two syncs to the disk; they run beside the event loop, which a busy disk would hold up


class _Place(NamedTuple):
    line: int  # offset of the line
    at: int  # offset of the body
    size: int


class Journal:
    """One append-only file: for each finished URL a line of JSON and, right behind it, its body. A URL has finished when its record
    is here: whole records outlive the process, torn ones are cut off and asked for again. Only offsets stay in memory."""

    def __init__(self, stem: str):
        self.path = Path(stem + ".journal")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        self._places: dict[str, _Place] = {}
        self._end = self._recover()
        os.ftruncate(self._fd, self._end)
        os.lseek(self._fd, self._end, os.SEEK_SET)
        self._synced, self._syncing = time.monotonic(), threading.Thread()

    def _recover(self) -> int:
        """Where the last whole record ends."""
        with open(self.path, "rb") as f:
            for row, place in records(f):
                self._places[row["image_id"]] = place
        return max((p.at + p.size for p in self._places.values()), default=0)

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._places

    def add(self, row: dict[str, Any], body: bytes) -> None:
        """Record one finished URL: one write, which goes to the kernel before this returns."""
        line = encode({**row, "bytes": len(body)}) + b"\n"
        _write(self._fd, line, body)
        self._places[row["image_id"]] = _Place(self._end, self._end + len(line), len(body))
        self._end += len(line) + len(body)
        if time.monotonic() - self._synced > SYNC_SECONDS and not self._syncing.is_alive():
            self._synced, self._syncing = time.monotonic(), threading.Thread(target=self.sync, daemon=True)
            self._syncing.start()

    def sync(self) -> None:
        os.fsync(self._fd)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The records in the order of image ids."""
        for _, place in sorted(self._places.items()):
            yield decode(os.pread(self._fd, place.at - place.line, place.line))

    def body(self, image_id: str) -> bytes:
        place = self._places[image_id]
        return os.pread(self._fd, place.size, place.at) if place.size else b""

    def close(self) -> None:
        if self._syncing.is_alive():
            self._syncing.join()
        self.sync()
        os.close(self._fd)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)


def records(f: IO[bytes]) -> Iterator[tuple[dict[str, Any], _Place]]:
    """The whole records at the beginning of a journal; ends at the first that is torn."""
    while line := f.readline():
        try:
            row = decode(line)
            size, sha256 = row["bytes"], row["sha256"]
        except (DecodeError, ValueError, KeyError, TypeError):
            return
        at = f.tell()
        body = f.read(size)
        if not line.endswith(b"\n") or len(body) != size or (sha256 and hashlib.sha256(body).hexdigest() != sha256):
            return
        yield row, _Place(at - len(line), at, size)


def _write(fd: int, *pieces: bytes) -> None:
    """All of it: one call may take less."""
    left = os.writev(fd, pieces)
    for piece in pieces:
        rest, left = memoryview(piece)[min(left, len(piece)) :], max(0, left - len(piece))
        while rest:
            rest = rest[os.write(fd, rest) :]
