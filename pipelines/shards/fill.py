"""The image side of packing: copies bytes from fetch's blobs into one shard, checking each picture on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from pipelines import storage
from pipelines.images import header
from pipelines.shards.document import Member, Picture, members
from pipelines.shards.locate import Place
from pipelines.shards.rows import Body, Piece, decode
from pipelines.shards.writer import ShardWriter
from schemas.manifest import ShardEntry
from schemas.reasons import Reason
from schemas.rows import Dead

Recode = Callable[[bytes], bytes]


class LostImage(ValueError):
    """An image's bytes are not where or what they should be."""

    def __init__(self, piece: Piece, kind: str, message: str):
        super().__init__(message)
        self.piece, self.kind = piece, kind


class Blobs:
    """Reads pictures out of fetch's blobs, a handle per blob."""

    def __init__(self, root: str):
        self.root, self._files, self._open = root, ExitStack(), dict[str, Any]()

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def read(self, place: Place) -> bytes:
        if place.blob not in self._open:
            self._open[place.blob] = self._files.enter_context(storage.open_read(storage.join(self.root, place.blob)))
        f = self._open[place.blob]
        f.seek(place.offset)
        return f.read(place.bytes)


def picture(piece: Piece, blobs: Blobs, recode: Recode | None = None) -> Picture:
    """The picture of an image piece; LostImage if its bytes are missing, changed or no picture. OSError if they cannot be read now: the next
    attempt may read them, so the picture is not given up."""
    place = piece.place
    if place is None:
        raise LostImage(piece, "missing", "no bytes were ever fetched")
    try:
        data = blobs.read(place)
    except FileNotFoundError as e:
        raise LostImage(piece, "missing", f"{place.blob}: {e.strerror or e}") from e
    except OSError as e:
        raise OSError(e.errno, e.strerror or str(e), storage.join(blobs.root, place.blob)) from e
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != place.sha256:
        what = f"{len(data)} of {place.bytes} bytes" if len(data) != place.bytes else f"sha256 {sha256}, fetched as {place.sha256}"
        raise LostImage(piece, "corrupt", f"{place.blob} at {place.offset}: {what}")
    try:
        if recode is not None:
            data = recode(data)
            sha256 = hashlib.sha256(data).hexdigest()
        head = header.read(data)
    except ValueError as e:  # HeaderError is one
        raise LostImage(piece, "corrupt", str(e)) from e
    width, height = head.upright
    return Picture(data, head.format, sha256, width, height, piece.url, piece.alt, piece.caption, piece.clip_score)


def document(key: str, body: Body, blobs: Blobs, recode: Recode | None = None) -> tuple[dict[str, Any], list[Member]]:
    """A document's record and members; LostImage for its first image that cannot be had."""
    pieces = [p.text if p.text is not None else picture(p, blobs, recode) for p in body.pieces]
    return members(key, body.fields, pieces, body.quality, (p.node for p in body.pieces))


def fill(
    writer: ShardWriter, rows: Iterable[dict[str, Any]], blobs: Blobs, shard: str, recode: Recode | None = None
) -> tuple[ShardEntry | None, list[dict[str, Any]], list[Dead]]:
    """Write rows (in key order) into a shard. A document that has lost an image is left out whole, with a reason and a dead letter,
    never with a hole. The entry is None if nothing was left to write."""
    lost: list[dict[str, Any]] = []
    dead: list[Dead] = []
    n = 0
    for row in rows:
        try:
            record, files = document(row["doc_id"], decode(row["body"]), blobs, recode)
        except LostImage as e:
            place = e.piece.place or Place("", 0, 0, "")
            lost.append({"doc_id": row["doc_id"], "unit": row["unit"], "row": row["row"], "reason": str(Reason.IMAGE_LOST)})
            trace = hashlib.blake2b(f"pack {e.kind}".encode(), digest_size=8).hexdigest()
            dead.append(
                Dead("pack", shard, e.piece.image_id, e.piece.url, place.blob, place.offset, place.bytes, e.kind, str(e)[:500], trace)
            )
            continue
        writer.add(record, files)
        n += 1
    return (writer.close() if n else None), lost, dead
