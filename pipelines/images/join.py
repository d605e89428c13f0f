"""What became of each image, brought from the buckets (by host) to the units (by document): rows to shuffle, as Arrow bytes.

One row per image URL: fetch status, reason, hashes, measures and the vector if there is one; no pixels, no page text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup import keys
from pipelines.images.bucket_work import EXTRA, SUCCESS
from pipelines.stage import Done
from schemas.ids import bucket_of
from schemas.reasons import Reason

_PLAIN = [("image_id", pa.string()), ("status", pa.string()), ("reason", pa.string()), ("sha256", pa.string()), ("format", pa.string()),
          ("pdq", pa.string()), ("phash", pa.string()), ("shadow", pa.bool_()), ("vector", pa.binary())]  # fmt: skip


def measure_columns(rule_measures: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*rule_measures, *EXTRA}))


def found_schema(measures: Iterable[str]) -> pa.Schema:
    return pa.schema([*_PLAIN, *((m, pa.float64()) for m in measures)])


def offered(fetch: Done, bucket: str, images: pa.Table | None, vectors: pa.Table | None, measures: tuple[str, ...]) -> pa.Table:
    """All images of one bucket as rows of `found_schema`."""
    urls = fetch.read("urls", bucket, ["image_id", "status"])
    by_id = {r["image_id"]: r for r in images.to_pylist()} if images is not None else {}
    seen = {r["image_id"]: r for r in vectors.to_pylist()} if vectors is not None else {}
    rows: list[dict[str, Any]] = []
    for u in urls.to_pylist() if urls is not None else []:
        image, vector = by_id.get(u["image_id"]), seen.get(u["image_id"])
        row: dict[str, Any] = {"image_id": u["image_id"], "status": u["status"], "reason": "", "sha256": "", "format": "", "pdq": "", "phash": "",
                               "shadow": bool(vector and vector["shadow"]), "vector": vector["vector"] if vector else None}  # fmt: skip
        if image is not None:
            row |= {k: image[k] for k in ("sha256", "format", "pdq", "phash")} | {m: image.get(m) for m in measures}
            row["reason"] = image["first_reason"]
        elif u["status"] == SUCCESS:
            row["reason"] = str(Reason.IMAGE_NOT_DECODED)
        rows.append(row)
    return pa.Table.from_pylist(rows, found_schema(measures))


def split(table: pa.Table, partitions: int) -> Iterator[tuple[int, bytes]]:
    """(partition, Arrow bytes) by a hash of the image id; empty ones are left out."""
    if not table.num_rows:
        return
    own = np.fromiter((bucket_of(i, partitions) for i in table["image_id"].to_pylist()), np.int64, table.num_rows)
    yield from keys.split(table, own, range(partitions))


def load(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(data).read_all()


def deal(asked: Iterable[tuple[str, bytes]], offers: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    """(unit, rows) for each unit that asked for images of this partition."""
    tables = [load(o) for o in offers]
    if not tables:
        return
    table = pa.concat_tables(tables)
    at = {image_id: i for i, image_id in enumerate(table["image_id"].to_pylist())}
    for unit, ids in asked:
        rows = [at[i] for i in load(ids)["image_id"].to_pylist() if i in at]
        if rows:
            yield unit, keys.to_bytes(table.take(pa.array(rows)))


def gather(parts: Iterable[bytes]) -> pa.Table:
    """A unit's rows from all partitions, by image id."""
    return pa.concat_tables([load(p) for p in parts]).sort_by([("image_id", "ascending")])
