"""Shards on an object store: whole shards come to a folder of bounded size, the least recently used go."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from dataclasses import dataclass
from typing import IO, Any

TRIES = 5
_HASH = re.compile(r"-([0-9a-f]{12})\.tar$")  # a shard's name ends with the first digits of its SHA-256


class Unreachable(RuntimeError):
    """A remote file could not be had, or is not what its name says. Not a bad sample: training stops rather than go on without it."""


def is_remote(path: str) -> bool:
    return "://" in path


def join(folder: str, *names: str) -> str:
    return "/".join((folder.rstrip("/"), *names)) if is_remote(folder) else os.path.join(folder, *names)


def opened(path: str) -> IO[bytes]:
    """A file, local or remote (through fsspec), for reading. FileNotFoundError where there is none."""
    if not is_remote(path):
        return open(path, "rb")
    import fsspec  # pyright: ignore[reportMissingTypeStubs]

    fs, inner = fsspec.core.url_to_fs(path)  # pyright: ignore[reportUnknownMemberType]
    return fs.open(inner, "rb")


@dataclass
class ShardCache:
    """`local(url)` gives a file below `folder`, fetched if it is not there. `limit`: bytes kept; one file larger than that is kept alone.

    Several processes may share the folder: files appear whole, and one that is dropped stays readable to whoever has it open. A window
    of the plan (`data.window` documents) reads its shards in mixed order: a limit below their size makes it fetch them again and again.
    """

    folder: str
    limit: int
    wait: float = 1.0  # seconds before the second try, doubled after each

    def local(self, url: str) -> str:
        """Raises Unreachable after five tries."""
        file = os.path.join(self.folder, f"{hashlib.sha256(url.encode()).hexdigest()[:16]}-{url.rsplit('/', 1)[-1]}")
        if os.path.exists(file):
            with contextlib.suppress(FileNotFoundError):  # dropped by another process in this moment: fetched again below
                os.utime(file)
                return file
        os.makedirs(self.folder, exist_ok=True)
        last: Exception | None = None
        for attempt in range(TRIES):
            if attempt:
                time.sleep(self.wait * 2 ** (attempt - 1))
            try:
                self._fetch(url, file)
                self._drop(file)
                return file
            except Exception as e:  # object stores raise kinds of their own; a wrong key and a lost connection look alike from here
                last = e
        raise Unreachable(f"{url}: {TRIES} tries failed, the last with {type(last).__name__}: {last}") from last

    def _fetch(self, url: str, file: str) -> None:
        part, digest = f"{file}.{os.getpid()}.part", hashlib.sha256()
        try:
            with opened(url) as source, open(part, "wb") as sink:
                while piece := source.read(1 << 20):
                    digest.update(piece)
                    sink.write(piece)
            said = _HASH.search(url)
            if said and not digest.hexdigest().startswith(said[1]):
                raise Unreachable(f"its bytes hash to {digest.hexdigest()[:12]}, its name says {said[1]}")
            os.replace(part, file)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.remove(part)

    def _drop(self, keep: str) -> None:
        """Remove the least recently used files until the rest fits."""
        found: list[tuple[float, str, int]] = []
        for entry in os.scandir(self.folder):
            with contextlib.suppress(FileNotFoundError):
                if not entry.name.endswith(".part"):
                    s = entry.stat()
                    found.append((s.st_mtime, entry.path, s.st_size))
        held = sum(size for _, _, size in found)
        for _, path, size in sorted(found):
            if held <= self.limit:
                return
            if path != keep:
                held -= size
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)


def local(path: str, cache: ShardCache | None) -> str:
    """Where to open `path`: itself, or its copy in the cache. Unreachable where it is remote and there is no cache."""
    if not is_remote(path):
        return path
    if cache is None:
        raise Unreachable(f"{path} is remote: give it a cache (data.cache)")
    return cache.local(path)


def table(path: str) -> Any:
    """A Parquet table, local or remote."""
    import pyarrow.parquet as pq

    with opened(path) as f:
        return pq.read_table(f)
