"""The body of an answer, within its bounds: size, and inflation."""

from __future__ import annotations

from tempfile import TemporaryFile
from typing import IO

from pipelines.web.fetch.answer import Answer, Bounds
from pipelines.web.http import HttpError, decompress

IN_MEMORY = 1 << 20  # bytes of a body held in memory while it arrives; longer ones lie in a temporary file until they are whole


class Body:
    """What has come so far. What is long waits on disk: thousands of bodies may be arriving at once."""

    __slots__ = ("_disk", "_first", "_more", "size")

    def __init__(self) -> None:
        self.size = 0
        self._first = b""
        self._more: bytearray | None = None  # not a list of pieces: a hostile server's are a byte each
        self._disk: IO[bytes] | None = None

    def add(self, piece: bytes) -> None:
        self.size += len(piece)
        if self._disk is not None:
            self._disk.write(piece)
        elif self._more is not None:
            self._more += piece
        elif not self._first:
            self._first = piece
        else:
            self._more = bytearray(self._first)
            self._more += piece
        if self.size > IN_MEMORY and self._disk is None:
            self._disk = TemporaryFile()
            self._disk.write(self._more if self._more is not None else self._first)
            self._first, self._more = b"", None

    def take(self, most: int = -1) -> bytes:
        """All of it, or its beginning; then it is empty."""
        disk, self._disk = self._disk, None
        if disk is not None:
            with disk:
                disk.seek(0)
                return disk.read(most)
        out = self._first if self._more is None else bytes(self._more)
        self._first, self._more = b"", None
        return out if most < 0 or len(out) <= most else out[:most]

    def drop(self) -> None:
        if self._disk is not None:
            self._disk.close()
        self._first, self._more, self._disk = b"", None, None


def inflated(body: bytes, coding: str, seen: Answer, b: Bounds) -> Answer:
    """A body compressed although we asked for none: inflated within the same bound and a ratio, or refused."""
    try:
        out, partial = decompress(body, coding, b.max_bytes)
    except HttpError as e:
        status = {"too_large": "too large", "expansion": "too large"}.get(e.kind, "bad encoding")
        return seen._replace(status=status, detail=f"after decompression: {e}"[:200])
    if partial:
        return seen._replace(status="truncated body", detail=f"{coding[:20]} ends early")
    return seen._replace(status="success" if out else "empty", body=out)
