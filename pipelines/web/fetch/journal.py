"""What a bucket has fetched so far, on disk: a killed worker starts again where its journal ends."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any

SYNC_SECONDS = 2.0  # between two syncs to the disk; they run beside the event loop, which a busy disk would hold up


class Journal:
    """An append-only pair of files: one line of JSON per finished URL, and the bodies one after another."""

    def __init__(self, stem: str):
        self.lines, self.bodies = Path(stem + ".jsonl"), Path(stem + ".bin")
        self.lines.parent.mkdir(parents=True, exist_ok=True)
        self.rows = list(self._recover())
        self._lines = self.lines.open("ab", buffering=0)  # each write goes to the kernel: a killed process loses nothing
        self._bodies = self.bodies.open("ab", buffering=0)
        self._size = self._bodies.seek(0, os.SEEK_END)
        self._synced, self._syncing = time.monotonic(), threading.Thread()

    def _recover(self) -> Iterator[dict[str, Any]]:
        """Whole lines whose body is whole; what lies behind the last of them is cut off."""
        if not self.lines.exists():
            return
        have = self.bodies.stat().st_size if self.bodies.exists() else 0
        good_lines = good_bodies = 0
        for line in self.lines.read_bytes().splitlines(keepends=True):
            try:
                row = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                row = None
            if row is None or row["at"] + row["bytes"] > have or (row["sha256"] and self._sha256(row) != row["sha256"]):
                break
            good_lines += len(line)
            good_bodies = max(good_bodies, row["at"] + row["bytes"])
            yield row
        os.truncate(self.lines, good_lines)
        if self.bodies.exists():
            os.truncate(self.bodies, good_bodies)

    def add(self, row: dict[str, Any], body: bytes) -> None:
        """Record one finished URL. Bodies reach the disk before the lines that name them."""
        row = {**row, "at": self._size, "bytes": len(body)}
        if body:
            _write(self._bodies, body)
            self._size += len(body)
        self.rows.append(row)
        _write(self._lines, json.dumps(row).encode() + b"\n")
        if time.monotonic() - self._synced > SYNC_SECONDS and not self._syncing.is_alive():
            self._synced, self._syncing = time.monotonic(), threading.Thread(target=self.sync, daemon=True)
            self._syncing.start()

    def sync(self) -> None:
        for f in (self._bodies, self._lines):
            os.fsync(f.fileno())

    def _sha256(self, row: dict[str, Any]) -> str:
        return hashlib.sha256(self.body(row)).hexdigest()

    def body(self, row: dict[str, Any]) -> bytes:
        with self.bodies.open("rb") as f:
            f.seek(row["at"])
            return f.read(row["bytes"])

    def close(self) -> None:
        if self._syncing.is_alive():
            self._syncing.join()
        self.sync()
        self._lines.close()
        self._bodies.close()

    def remove(self) -> None:
        self.lines.unlink(missing_ok=True)
        self.bodies.unlink(missing_ok=True)


def _write(f: RawIOBase, data: bytes) -> None:
    """All of it: an unbuffered file may take less at once."""
    rest = memoryview(data)
    while rest:
        rest = rest[f.write(rest) or 0 :]
