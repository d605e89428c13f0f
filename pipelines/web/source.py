"""Bytes of a file, local or remote, as the archive readers need them: a window, in order, with retries underneath.

FastWARC turns whatever its stream raises into errors of its own, and asks for `seek`/`tell` only to learn where it is.
`Window` answers that, ends where it is told to, remembers a failed read (a network that fails must end the unit, not look
like a damaged archive), and keeps the last bytes so that record positions can be checked for free.
"""

from __future__ import annotations

import os
import time
from typing import Any

REMOTE_BLOCK = 8 << 20  # read-ahead on remote files, bytes
CHUNK = 1 << 16  # small enough to stay in the processor's cache while FastWARC works on it


class SourceError(OSError):
    """A file cannot be opened or read (after retries): fix access or the network and run again."""


def is_remote(path: str) -> bool:
    return "://" in path and not path.startswith("file://")


class Source:
    """A file read at positions, reopened and retried when a remote read fails."""

    def __init__(self, path: str, retries: int = 4, wait_s: float = 0.5, ahead: int = 0):
        """`ahead`: bytes to read ahead on a remote file (0: REMOTE_BLOCK, for reading it all)."""
        self.path, self.retries, self.wait_s, self.ahead = path, retries, wait_s, ahead
        self._file: Any = None
        self._local = not is_remote(path)
        self._retry(self._open)

    def _open(self) -> None:
        if self._local:
            self._file = open(self.path.removeprefix("file://"), "rb", buffering=0)  # noqa: SIM115
            self.size = self._file.seek(0, 2)
            return
        import fsspec

        fs, inner = fsspec.core.url_to_fs(self.path)
        self.size = int(fs.size(inner) or 0)
        self._file = fs.open(inner, "rb", block_size=self.ahead or REMOTE_BLOCK, cache_type="readahead")

    def read_at(self, offset: int, n: int) -> bytes:
        """Up to `n` bytes; fewer only at the end of the file."""
        if n <= 0 or offset >= self.size:
            return b""

        return self._retry(lambda: self._read(offset, n))

    def _read(self, offset: int, n: int) -> bytes:
        if self._file is None:
            self._open()
        if not self._local:
            self._file.seek(offset)
            return self._file.read(n)
        data = os.pread(self._file.fileno(), n, offset)
        while len(data) < n and (more := os.pread(self._file.fileno(), n - len(data), offset + len(data))):
            data += more
        return data

    def _retry(self, call: Any) -> Any:
        for attempt in range(self.retries + 1):
            try:
                return call()
            except (FileNotFoundError, PermissionError, IsADirectoryError, ImportError, ValueError) as e:
                raise SourceError(f"cannot open {self.path!r}: {_words(e)}") from e
            except Exception as e:  # fsspec backends raise what their libraries raise
                self.close()
                if attempt == self.retries or self._local:
                    raise SourceError(f"cannot read {self.path!r} after {attempt + 1} attempts: {_words(e)}") from e
                time.sleep(self.wait_s * 2**attempt)

    def close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            finally:
                self._file = None

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Window:
    """Bytes [start, end) of a source as a stream. Positions are those of the whole file."""

    def __init__(self, source: Source, start: int, end: int):
        self.source, self.at, self.end = source, start, min(end, source.size)
        self.error: SourceError | None = None
        self._buffer, self._buffer_at, self._before = b"", start, b""

    def read(self, n: int = -1) -> bytes:
        if n is None or n < 0:
            n = self.end - self.at
        have = self._buffer_at + len(self._buffer) - self.at
        if have <= 0:
            self._fill(max(n, CHUNK))
            have = len(self._buffer)
        inside = self.at - self._buffer_at
        out = self._buffer[inside : inside + min(n, have)]
        self.at += len(out)
        return out

    def _fill(self, n: int) -> None:
        try:
            data = self.source.read_at(self.at, min(n, self.end - self.at))
        except SourceError as e:
            self.error = e
            raise
        self._before, self._buffer, self._buffer_at = self._buffer[-CHUNK:], data, self.at

    def peek_at(self, position: int, n: int) -> bytes:
        """Bytes already read, at a position not long ago; from the file if they are gone."""
        end = self._buffer_at + len(self._buffer)
        at = position - self._buffer_at
        if 0 <= at and position + n <= end:
            return self._buffer[at : at + n]
        before = at + len(self._before)
        if 0 <= before and position + n <= end:
            return self._before[before : before + n] + self._buffer[: max(0, at + n)]
        return self.source.read_at(position, min(n, self.end - position))

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 1 and offset == 0:
            return self.at
        target = offset if whence == 0 else self.at + offset if whence == 1 else self.end + offset
        self.at, self._buffer, self._buffer_at, self._before = target, b"", target, b""
        return self.at

    def tell(self) -> int:
        return self.at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        """The source stays open: it is not this window's."""


def _words(e: BaseException) -> str:
    if isinstance(e, FileNotFoundError):
        return "no such file"
    return f"{type(e).__name__}: {e}"[:300]
