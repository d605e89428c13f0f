"""URLs that lead out of their bucket: a redirect (or the redirect of a robots.txt) to a host that another worker may be asking.

They are not followed there and then, because then two workers would ask that host. They are handed on: when all buckets are done, further
parts (m0000, ...) fetch them, keyed by the host they lead to. One such part for every eight buckets; a URL that leads from one
of these parts to another's host is followed at a part of the host's pace (`Place.share`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from pipelines.web.fetch.answer import MOVED
from pipelines.web.fetch.engine import Start
from schemas.ids import bucket_of

TABLE = "moved"
SCHEMA = pa.schema(
    [("image_id", pa.string()), ("url", pa.string()), ("host", pa.string()), ("here", pa.string()), ("to", pa.string()), ("hops", pa.int32()),
     ("attempts", pa.int32()), ("seconds", pa.float64()), ("fetched_at", pa.string())]
)  # fmt: skip
PER_PART = 8  # buckets for each part of moved URLs


def parts_of(buckets: int) -> tuple[str, ...]:
    """The names of the parts; none where there is one bucket, which no redirect leaves."""
    return tuple(f"m{i:04d}" for i in range(max(1, buckets // PER_PART) if buckets > 1 else 0))


def is_one(part: str) -> bool:
    return part.startswith("m")


def table_of(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """What publish() keeps of the journal's rows with status MOVED."""
    kept = [{**{k: r[k] for k in ("image_id", "url", "host", "attempts", "seconds", "fetched_at")},
             "here": r["final_url"], "to": r["detail"], "hops": r["redirects"]} for r in rows]  # fmt: skip
    return pa.Table.from_pylist(kept, SCHEMA)


def journal_row(r: dict[str, Any]) -> dict[str, Any]:
    """The other way."""
    return {
        "image_id": r["image_id"], "url": r["url"], "host": r["host"], "status": MOVED, "http_status": 0, "final_url": r["here"],
        "redirects": r["hops"], "address_class": "", "content_type": "", "sha256": "", "attempts": r["attempts"], "seconds": r["seconds"],
        "fetched_at": r["fetched_at"], "detail": r["to"], "optouts": [],
    }  # fmt: skip


def starts(table: pa.Table, part: int, parts: int) -> list[Start]:
    """The URLs of one part, as they were left."""
    return [
        Start(r["image_id"], r["url"], r["here"], r["hops"], r["attempts"], r["seconds"])
        for r in table.to_pylist() if bucket_of(r["to"], parts) == part
    ]  # fmt: skip
