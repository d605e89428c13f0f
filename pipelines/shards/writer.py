"""Writes one shard: documents in key order into a tar, its index beside it, under names that hold the tar's sha256."""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
import zlib
from types import TracebackType
from typing import Any, Self

from pipelines import storage
from pipelines.shards import index, tar
from pipelines.shards.document import Member
from schemas.manifest import Part, ShardEntry
from schemas.shard import TAR_END, ShardName, parse_name, shard_id, valid_key

BATCH = 1 << 20  # bytes written at once
PIECES = 1000  # or so many pieces: systems take 1,024


class ShardError(RuntimeError):
    """A shard cannot be written as asked; the message names it."""


class ShardWriter:
    """`add` documents in ascending key order, then `close`. Used as a context manager it leaves nothing behind after an exception.

    The tar grows in a temporary file (beside its final place on a local disk), is fsynced and renamed; the index follows. The
    caller's receipt or manifest, written after `close`, is what makes them count.
    """

    def __init__(self, folder: str, split: str, number: int, tokenizer: str = "", quality: str = "doc_quality"):
        self.folder, self.split, self.number, self.quality = folder, split, number, quality
        self.tokenizer, self._count = index.tokens(tokenizer)
        self._rows: list[dict[str, Any]] = []
        self._sha, self._at = hashlib.sha256(), 0
        local = tempfile.gettempdir() if storage.is_remote(folder) else folder
        os.makedirs(local, exist_ok=True)
        self._temporary = os.path.join(local, f".{shard_id(split, number)}.{uuid.uuid4().hex[:12]}.tmp")
        self._file = open(self._temporary, "wb", buffering=0)
        self._waiting: list[bytes] = []  # written together, without a copy of their own
        self._bytes_waiting = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if os.path.exists(self._temporary):
            os.unlink(self._temporary)

    def counted(self, tokenizer: str, count: index.Tokens) -> None:
        """Take token counts from elsewhere: who counted, and a function of a document's texts."""
        self.tokenizer, self._count = tokenizer, count

    def add(self, record: dict[str, Any], members: list[Member]) -> None:
        """Append a document (from `document.members`). ShardError if its key is not above the last one."""
        key = record["doc_id"]
        if not valid_key(key):
            raise ShardError(
                f"{self._name}: key {key!r} may hold only letters, digits, _ and - (a dot would cut it for WebDataset readers)"
            )
        if self._rows and key <= self._rows[-1]["key"]:
            what = "is there twice" if key == self._rows[-1]["key"] else f"comes after {self._rows[-1]['key']!r}"
            raise ShardError(f"{self._name}: document {key!r} {what}; documents are added once, in key order")
        start, crc, places = self._at, 0, []
        for name, data in members:
            block = tar.header(name, len(data))
            places.append((name, self._at + len(block), len(data)))
            for piece in (block, data, bytes(tar.padding(len(data)))):
                crc = zlib.crc32(piece, crc)
                self._write(piece)
        self._rows.append(index.row(record, places, start, self._at, crc, self._count, self.quality))

    def close(self, replaces: str | None = None) -> ShardEntry:
        """Publish the shard and say what it is. ShardError if another content has already been published for its id, unless
        it is the version that this one `replaces` (its sha12)."""
        self._write(bytes(TAR_END))
        self._flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sha256 = self._sha.hexdigest()
        name = ShardName(self.split, self.number, sha256[:12])
        others = [n for n in storage.listing(self.folder) if _version(n) not in (None, name) and _version(n)[:2] == name[:2]]  # type: ignore[index]
        others = [n for n in others if replaces is None or parse_name(n).sha12 != replaces]
        if others:
            raise ShardError(
                f"{storage.join(self.folder, name.tar)}: the same shard already exists with another content, as {others[0]}. Workers had "
                "different inputs or code: remove this stage's folder and run again"
            )
        self._publish(name.tar)
        part = storage.write_table(self.folder, name.index_file, index.table(self._rows, self.tokenizer, self.quality))
        offsets = index.energon(self._rows)
        storage.write_bytes(storage.join(self.folder, name.energon), offsets)
        return ShardEntry(
            id=name.id,
            split=self.split,
            tar=name.tar,
            bytes=self._at,
            sha256=sha256,
            documents=len(self._rows),
            paragraphs=self._sum("n_texts"),
            images=self._sum("n_images"),
            text_bytes=self._sum("text_bytes"),
            text_tokens=self._sum("text_tokens"),
            index=part,
            energon=Part(name.energon, len(self._rows), len(offsets), hashlib.sha256(offsets).hexdigest()),
        )

    @property
    def _name(self) -> str:
        return f"shard {shard_id(self.split, self.number)}"

    def _write(self, data: bytes) -> None:
        self._sha.update(data)
        self._waiting.append(data)
        self._bytes_waiting += len(data)
        self._at += len(data)
        if self._bytes_waiting >= BATCH or len(self._waiting) >= PIECES:
            self._flush()

    def _flush(self) -> None:
        written = os.writev(self._file.fileno(), self._waiting) if self._waiting else 0
        if written < self._bytes_waiting:  # the system may take less than it was given
            rest = memoryview(b"".join(self._waiting))[written:]
            while rest:
                rest = rest[os.write(self._file.fileno(), rest) :]
        self._waiting, self._bytes_waiting = [], 0

    def _sum(self, column: str) -> int:
        return sum(r[column] for r in self._rows)

    def _publish(self, name: str) -> None:
        target = storage.join(self.folder, name)
        if storage.is_remote(self.folder):
            with open(self._temporary, "rb") as source, storage.atomic(target) as out:
                while piece := source.read(8 << 20):
                    out.write(piece)
            return
        os.chmod(self._temporary, 0o644)
        os.replace(self._temporary, target)
        storage._sync_folder(self.folder)


def _version(name: str) -> ShardName | None:
    try:
        return parse_name(name)
    except ValueError:
        return None
