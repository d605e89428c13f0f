"""What a bucket's journal holds, as the stage's files: a blob, the table that points into it, the opt-outs."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines import storage
from pipelines.stage import StageContext
from pipelines.web.fetch import moved
from pipelines.web.fetch.answer import MOVED
from pipelines.web.fetch.journal import Journal
from schemas import layout, tables
from schemas.manifest import Part

BATCH = 2_000  # rows held as Python objects at once


def publish(ctx: StageContext, bucket: str, journal: Journal, wanted: int) -> None:
    """Blob first, then the tables; all in image_id order, so that equal answers give equal bytes. What has been handed on to
    another part is listed there and counted there."""
    places: dict[str, int] = {}
    size = 0
    statuses: dict[str, int] = {}
    handed: list[dict[str, Any]] = []
    urls, optouts = _Columns("urls"), _Columns("optouts")
    blob_path = layout.table_file("blobs", bucket).removesuffix(".parquet") + ".bin"
    with storage.atomic(ctx.path(blob_path)) as blob:
        for r in journal.rows():
            if r["status"] == MOVED:
                handed.append(r)
                continue
            if r["bytes"] and r["sha256"] not in places:
                places[r["sha256"]] = size
                blob.write(journal.body(r["image_id"]))
                size += r["bytes"]
            statuses[r["status"]] = statuses.get(r["status"], 0) + 1
            said = r.pop("optouts")
            where = {"blob": blob_path if r["bytes"] else "", "blob_offset": places.get(r["sha256"], 0)}
            urls.add({**r, "bucket": bucket, **where})
            for o in said:
                optouts.add({**o, "subject": "image", "id": r["image_id"], "url": r["url"], "seen_at": r["fetched_at"]})
    written = [(c.name, storage.write_table(ctx.root, layout.table_file(c.name, bucket), c.table())) for c in (urls, optouts)]
    written.append(("blobs", Part(blob_path, len(places), blob.bytes, blob.sha256.hexdigest())))
    if not moved.is_one(bucket):
        written.append((moved.TABLE, storage.write_table(ctx.root, layout.table_file(moved.TABLE, bucket), moved.table_of(handed))))
    ctx.writer.commit_written("bucket", bucket, written, {"wanted": wanted - len(handed), "statuses": statuses, "bytes": size})


class _Columns:
    """Rows of one table, as columns batch by batch."""

    def __init__(self, name: str):
        self.name, self.schema = name, tables.schema(name)
        self.rows: list[dict[str, Any]] = []
        self.batches: list[pa.Table] = [self.schema.empty_table()]

    def add(self, row: dict[str, Any]) -> None:
        self.rows.append(row)
        if len(self.rows) >= BATCH:
            self._pack()

    def _pack(self) -> None:
        self.batches.append(pa.Table.from_pylist(self.rows, self.schema))
        self.rows = []

    def table(self) -> pa.Table:
        self._pack()
        return pa.concat_tables(self.batches).combine_chunks()
