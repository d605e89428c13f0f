"""Files that are whole or absent, on a local disk or an object store.

Local files are written beside their final name, fsynced and renamed; object stores publish an object when its upload
completes. So a reader never sees half a file under a final name, whatever dies when. All paths are strings; a scheme
(`s3://`, `gs://`, ...) goes through fsspec.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, cast

from schemas.manifest import Part

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 10_000  # rows; keeps what a reader holds at once small


class HashingFile:
    """A binary file that counts and hashes what is written to it."""

    def __init__(self, raw: IO[bytes]):
        self.raw, self.sha256, self.bytes = raw, hashlib.sha256(), 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.sha256.update(view)
        self.bytes += view.nbytes
        self.raw.write(view)
        return view.nbytes

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self.raw.flush()

    @property
    def closed(self) -> bool:
        return False

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Left to `atomic`: closing is what publishes."""


def is_remote(path: str) -> bool:
    return "://" in path and not path.startswith("file://")


def join(root: str, *parts: str) -> str:
    return "/".join([root.rstrip("/"), *parts])


def remote(path: str) -> tuple[Any, str]:
    """fsspec's file system of a path, and the path inside it."""
    import fsspec  # pyright: ignore[reportMissingTypeStubs]

    fs, inner = cast("tuple[Any, Any]", fsspec.core.url_to_fs(path))  # pyright: ignore[reportUnknownMemberType]
    return fs, str(inner)


@contextmanager
def atomic(path: str) -> Generator[HashingFile]:
    """A file that appears under `path` only if the block ends without an exception."""
    if is_remote(path):
        with _atomic_remote(path) as f:
            yield f
        return
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    temporary = os.path.join(folder, f".{name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        with open(temporary, "wb") as raw:
            yield HashingFile(raw)
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(temporary, path)
        _sync_folder(folder or ".")
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


@contextmanager
def _atomic_remote(path: str) -> Generator[HashingFile]:
    """An object store shows an object once its upload is completed; leaving a `with` block would complete a half one."""
    fs, inner = remote(path)
    raw = fs.open(inner, "wb", autocommit=False)
    try:
        yield HashingFile(raw)
        raw.close()
    except BaseException:
        raw.discard()
        with suppress(AttributeError):
            raw.closed = True  # or its finalizer begins an upload
        raise
    raw.commit()


def _sync_folder(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_bytes(path: str, data: bytes) -> None:
    with atomic(path) as f:
        f.write(data)


def read_bytes(path: str) -> bytes:
    with open_read(path) as f:
        return f.read()


def link(source: str, target: str) -> None:
    """A second name for a local file; a copy where the file system has no links, or where `target` lies on another one. OSError if there is
    a `target`."""
    try:
        os.link(source, target)
    except OSError:
        with open(source, "rb") as f, open(target, "xb") as out:
            shutil.copyfileobj(f, out, 8 << 20)
            out.flush()
            os.fsync(out.fileno())


def open_read(path: str) -> Any:
    """A seekable binary file."""
    if is_remote(path):
        fs, inner = remote(path)
        return fs.open(inner, "rb")
    return open(path, "rb")


def exists(path: str) -> bool:
    if is_remote(path):
        fs, inner = remote(path)
        return bool(fs.exists(inner))
    return os.path.exists(path)


def size(path: str) -> int:
    if is_remote(path):
        fs, inner = remote(path)
        return int(fs.size(inner))
    return os.path.getsize(path)


def listing(folder: str) -> list[str]:
    """Names in a folder, sorted; empty if there is none. For progress and clean-up; results are read through manifests."""
    if is_remote(folder):
        fs, inner = remote(folder)
        return sorted(p.rstrip("/").rsplit("/", 1)[-1] for p in fs.ls(inner, detail=False)) if fs.exists(inner) else []
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def modified(folder: str) -> float:
    """When something in a folder was last written, in seconds since 1970; of an object store, of the objects under it (0: it does not say)."""
    if not is_remote(folder):
        return os.path.getmtime(folder)
    fs, inner = remote(folder)
    found = fs.find(inner, detail=True).values()
    times = [f[k] for f in found for k in ("LastModified", "updated", "created", "mtime") if f.get(k)]
    return max((t if isinstance(t, (int, float)) else t.timestamp() for t in times if not isinstance(t, str)), default=0.0)


def remove_tree(folder: str) -> None:
    if is_remote(folder):
        fs, inner = remote(folder)
        if fs.exists(inner):
            fs.rm(inner, recursive=True)
    elif os.path.isdir(folder):
        shutil.rmtree(folder)


def sha256_of(path: str) -> str:
    with open_read(path) as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


@contextmanager
def parquet_writer(root: str, relative: str, schema: pa.Schema) -> Generator[Any]:
    """A streaming Parquet writer: `.write(table)` any number of times; `.part` is set when the block has ended."""
    import pyarrow.parquet as pq

    class Writer:
        part: Part
        rows = 0

        def write(self, table: pa.Table) -> None:
            self.rows += table.num_rows
            writer.write_table(table.cast(schema) if table.schema != schema else table, row_group_size=ROW_GROUP)

    out = Writer()
    with atomic(join(root, relative)) as f:
        with pq.ParquetWriter(cast("IO[bytes]", f), schema, compression="zstd") as writer:
            yield out
    out.part = Part(relative, out.rows, f.bytes, f.sha256.hexdigest())


def write_table(root: str, relative: str, table: pa.Table) -> Part:
    with parquet_writer(root, relative, table.schema) as writer:
        writer.write(table)
    return writer.part


def read_table(path: str, columns: list[str] | None = None) -> pa.Table:
    import pyarrow.parquet as pq

    with open_read(path) as f:
        return pq.read_table(f, columns=columns)  # pyright: ignore[reportUnknownMemberType]
