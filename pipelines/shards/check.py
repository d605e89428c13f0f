"""Reading one shard strictly: every byte accounted for, every fault named with its place. Pure over an open file."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import pyarrow as pa

from pipelines.shards import document, index, tar
from schemas.manifest import ShardEntry
from schemas.shard import BLOCK, ESTIMATE, TAR_END, member_name, quality_of, tokenizer_of, valid_key

CHUNK = 1 << 20
ZEROS = bytes(BLOCK)


class Fault(NamedTuple):
    """Something that is not as the manifest says. `kind`: missing, extra, size, sha256, tar, name, json, image, index, manifest,
    sidecar, table."""

    kind: str
    file: str  # relative to the run folder
    where: str  # offset, key or column; "" = the file as a whole
    message: str


@dataclass
class Found:
    """What lies in a shard, as read."""

    rows: list[dict[str, Any]]
    faults: list[Fault]
    bytes: int
    sha256: str


class Stream:
    """A file read once, in order, through a hash, into a buffer that is used again: one that stays in the processor's cache.
    Returned views are valid until the next call."""

    def __init__(self, raw: IO[bytes]):
        self.raw, self.sha, self.offset = raw, hashlib.sha256(), 0
        self._buffer = memoryview(bytearray(CHUNK))
        self._at = self._end = 0

    def take(self, n: int) -> memoryview:
        """The next n bytes; fewer at the end of the file."""
        if n > self._end - self._at:
            self._fill(n)
        view = self._buffer[self._at : min(self._at + n, self._end)]
        self._at += len(view)
        self.offset += len(view)
        return view

    def drain(self) -> int:
        """Read to the end; the number of bytes that were left."""
        left = 0
        while view := self.take(CHUNK):
            left += len(view)
        return left

    def _fill(self, n: int) -> None:
        """At least n bytes ahead, unless the file ends."""
        left = self._end - self._at
        old = self._buffer[self._at : self._end]
        if n > len(self._buffer):
            self._buffer = memoryview(bytearray(n))
        self._buffer[:left] = old
        self._at, self._end = 0, left
        while self._end < n and (got := self.raw.readinto(self._buffer[self._end :])):  # type: ignore[attr-defined]
            self.sha.update(self._buffer[self._end : self._end + got])
            self._end += got


class _Member(NamedTuple):
    name: str
    offset: int
    data: bytes  # b"" where only its hash was wanted
    size: int
    sha256: str


def read(raw: IO[bytes], file: str, length: int, *, images: bool = False, quality: str = "") -> Found:
    """Read a tar of `length` bytes to its end. With `images`, each image's sha256 is compared with the JSON's."""
    stream, faults, rows = Stream(raw), [], []
    document_members: list[_Member] = []
    start = crc = 0
    last_key = ""

    def fault(kind: str, where: object, message: str) -> None:
        faults.append(Fault(kind, file, str(where), message))

    def finish(end: int) -> None:
        nonlocal document_members, last_key
        if not document_members:
            return
        found = _document(document_members, start, end, crc, images, quality, fault)
        if found is not None:
            if found["key"] <= last_key:
                fault("name", found["key"], f"document stands after {last_key}; keys ascend and are unique")
            last_key = found["key"]
            rows.append(found)
        document_members = []

    while True:
        at = stream.offset
        block = stream.take(BLOCK)
        if block == ZEROS[: len(block)]:
            finish(at)
            rest = stream.take(TAR_END - BLOCK)
            if len(block) < BLOCK or len(rest) < TAR_END - BLOCK or any(rest):
                fault("tar", at, "the archive does not end with two zero blocks: cut off")
            if left := stream.drain():
                fault("tar", stream.offset - left, f"{left} bytes after the end of the archive")
            break
        try:
            name, size = tar.parse(block)
        except tar.TarError as e:
            finish(at)
            fault("tar", at, str(e))
            stream.drain()
            break
        key = name.split(".", 1)[0]
        if document_members and name == member_name(key) or document_members and key != document_members[0].name.split(".", 1)[0]:
            finish(at)
        if not document_members:
            start, crc = at, 0
        crc = zlib.crc32(block, crc)
        pad = tar.padding(size)
        body = stream.take(min(size + pad, length - stream.offset))
        if len(body) < size:
            fault("tar", at, f"member {name!r} is cut off: {len(body)} of {size} bytes")
            stream.drain()
            break
        crc = zlib.crc32(body, crc)
        content, is_json = body[:size], name.endswith(".json")
        digest = hashlib.sha256(content).hexdigest() if images and not is_json else ""
        document_members.append(_Member(name, at + BLOCK, bytes(content) if is_json else b"", size, digest))
        if body[size:] != ZEROS[:pad]:
            fault("tar", at, f"padding of {name!r} is not zero bytes to the next block")
    return Found(rows, faults, stream.offset, stream.sha.hexdigest())


def _document(members: list[_Member], start: int, end: int, crc: int, images: bool, quality: str, fault: Any) -> dict[str, Any] | None:
    """The index row of a document's members, or None where there is no readable JSON."""
    head = members[0]
    key = head.name.split(".", 1)[0]
    if head.name != member_name(key) or not valid_key(key):
        fault("name", head.name, "a document starts with <key>.json")
        return None
    try:
        record = document.loads(head.data)
        if document.dumps(record) != head.data:
            fault("json", key, "the JSON is not in canonical form")
        if record.get("doc_id") != key:
            fault("json", key, f"the JSON is of document {record.get('doc_id')!r}")
        names = [n for n in record["images"] if n is not None]
        if names != [m.name for m in members[1:]]:
            fault("name", key, f"members {_differ(names, [m.name for m in members[1:]])}")
        for i, n in enumerate(record["images"]):
            if n is not None and n.rsplit(".", 1)[0] != f"{key}.{i}":
                fault("name", key, f"image {n!r} should be called {key}.{i}.<extension>")
        if images:
            told = [s for s, n in zip(record["image_sha256"], record["images"], strict=True) if n is not None]
            for m, sha in zip(members[1:], told, strict=False):
                if m.sha256 != sha:
                    fault("image", m.name, f"sha256 is {m.sha256}, the JSON says {sha}")
        return index.row(record, [(m.name, m.offset, m.size) for m in members], start, end, crc, index.estimate, quality)
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        fault("json", key, str(e) or type(e).__name__)
        return None


def _differ(expected: list[str], got: list[str]) -> str:
    missing, extra = [n for n in expected if n not in got], [n for n in got if n not in expected]
    if missing or extra:
        return "; ".join(
            filter(None, [f"missing: {', '.join(missing)}" if missing else "", f"not in the JSON: {', '.join(extra)}" if extra else ""])
        )
    return "stand in another order than in the JSON"


def check(raw: IO[bytes], length: int, entry: ShardEntry, stored: pa.Table | None, folder: str) -> tuple[list[Fault], int]:
    """All faults of a shard against its manifest entry and its index (None = unreadable, named elsewhere), and the bytes read."""
    file = f"{folder}/{entry.tar}"
    found = read(raw, file, length, quality=quality_of(stored.schema) if stored is not None else "")
    faults = list(found.faults)
    if found.bytes != entry.bytes:
        faults.append(Fault("size", file, "", f"{found.bytes} bytes, the manifest says {entry.bytes}"))
    if found.sha256 != entry.sha256:
        faults.append(Fault("sha256", file, "", f"sha256 is {found.sha256}, the manifest says {entry.sha256}"))
        if stored is not None:
            faults += locate(found.rows, stored, file)
    elif stored is not None:
        faults += list(compare(found.rows, stored, f"{folder}/{entry.index.path}"))
    totals = {
        "documents": len(found.rows),
        "images": sum(r["n_images"] for r in found.rows),
        "paragraphs": sum(r["n_texts"] for r in found.rows),
    }
    for what, n in totals.items():
        if n != getattr(entry, what):
            faults.append(
                Fault("manifest", "manifest.json", entry.id, f"{what}: the shard holds {n}, the manifest says {getattr(entry, what)}")
            )
    return faults, found.bytes


def locate(rows: list[dict[str, Any]], stored: pa.Table, file: str) -> list[Fault]:
    """Which documents a damaged shard has lost or changed, by the checksums of its index."""
    try:
        was = dict(zip(stored["key"].to_pylist(), stored["crc32"].to_pylist(), strict=True))
    except KeyError:
        return []
    now = {r["key"]: r["crc32"] for r in rows}
    gone = [Fault("tar", file, k, "document is missing or unreadable") for k in was if k not in now]
    changed = [Fault("tar", file, k, "document's bytes have changed (crc32)") for k in was if k in now and now[k] != was[k]]
    return gone + changed + [Fault("tar", file, k, "document is not in the index") for k in now if k not in was]


def compare(rows: list[dict[str, Any]], stored: pa.Table, file: str) -> Iterator[Fault]:
    """Differences between the index made again from the tar and the stored one."""
    try:
        tokenizer = tokenizer_of(stored.schema)
    except (ValueError, KeyError) as e:
        yield Fault("index", file, "", str(e))
        return
    again = index.table(rows, tokenizer, quality_of(stored.schema))
    if again.schema != stored.schema:
        yield Fault("index", file, "", f"columns are {stored.schema.names}, expected {again.schema.names}")
        return
    if again.num_rows != stored.num_rows:
        yield Fault("index", file, "", f"{stored.num_rows} rows for {again.num_rows} documents")
        return
    for name in again.schema.names:
        if name == "text_tokens" and tokenizer != ESTIMATE:
            continue
        if not again[name].equals(stored[name]):
            wrong = next((i for i in range(again.num_rows) if again[name][i].as_py() != stored[name][i].as_py()), 0)
            yield Fault(
                "index",
                file,
                str(rows[wrong]["key"]),
                f"{name} is {stored[name][wrong].as_py()!r}, the shard says {again[name][wrong].as_py()!r}",
            )
