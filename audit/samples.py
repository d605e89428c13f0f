"""Examples for the report: the same ones each time (smallest hashes), with an excerpt of the text and small pictures from the run's own bytes."""

from __future__ import annotations

import base64
import os
from typing import Any

from audit import queries
from audit.queries import ask
from audit.run import Run

EXCERPT, PICTURE, PICTURES = 280, 40_000, 1_500_000  # characters; bytes of one picture; bytes of all
TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}

KEPT = """
-- a fixed sample of kept documents (the smallest hashes)
SELECT doc_id, url, title, language, first_reason, stage, unit, warc_offset FROM documents WHERE kept ORDER BY hash(doc_id) LIMIT $limit"""
DROPPED = queries.SAMPLE.replace("first_reason, stage FROM", "first_reason, stage, unit, warc_offset FROM")
IMAGES = """
-- a fixed sample of fetched images per reason ('' = kept)
SELECT first_reason AS reason, image_id, blob, blob_offset, bytes, format FROM (
  SELECT n.first_reason, i.image_id, i.blob, i.blob_offset, i.bytes, i.format, row_number() OVER (PARTITION BY n.first_reason ORDER BY hash(n.image_id), n.image_id) AS place
  FROM (SELECT DISTINCT first_reason, image_id FROM nodes WHERE kind = 'image' AND sha256 <> '') n JOIN images i USING (image_id) WHERE i.blob <> '' AND i.bytes <= $most)
WHERE place <= $limit ORDER BY reason, hash(image_id), image_id"""


def documents(run: Run, con: Any, reasons: list[str], limit: int) -> list[tuple[str, list[dict[str, Any]]]]:
    """(reason, documents) with `excerpt`; the kept ones come first, as reason ""."""
    out = [("", ask(con, KEPT, limit=limit))] + [(r, ask(con, DROPPED, reason=r, limit=limit)) for r in reasons]
    texts = excerpts(run, [d for _, rows in out for d in rows])
    return [(r, [{**d, "excerpt": texts.get((d["doc_id"], d["warc_offset"]), "")} for d in rows]) for r, rows in out if rows]


def excerpts(run: Run, wanted: list[dict[str, Any]]) -> dict[tuple[str, int], str]:
    """The beginning of the text of documents whose text was stored; each file is read once."""
    import pyarrow.parquet as pq

    ids: dict[str, list[str]] = {}
    for d in wanted:
        ids.setdefault(f"{d['unit']}.parquet", []).append(d["doc_id"])
    out: dict[tuple[str, int], str] = {}
    for table in ("documents", "rejects"):
        for path in run.stage_table("extract", table):
            if own := ids.get(os.path.basename(path)):
                for row in pq.read_table(path, columns=["doc_id", "warc_offset", "nodes"], filters=[("doc_id", "in", own)]).to_pylist():
                    text = " ".join(" ".join(n["text"] for n in row["nodes"] if n["text"]).split())
                    out[(row["doc_id"], row["warc_offset"])] = text[:EXCERPT] + ("…" if len(text) > EXCERPT else "")
    return out


def pictures(run: Run, con: Any, limit: int = 6) -> list[tuple[str, list[str]]]:
    """(reason, pictures as data: addresses): only types that browsers draw, only small ones, and not too many in all."""
    out: dict[str, list[str]] = {}
    left = PICTURES
    root = os.path.realpath(run.stage_path("fetch"))
    for i in ask(con, IMAGES, most=PICTURE, limit=limit):
        path = os.path.realpath(os.path.join(root, i["blob"]))
        if i["format"] not in TYPES or i["bytes"] > left or not path.startswith(root + os.sep) or not os.path.isfile(path):
            continue
        left -= i["bytes"]
        with open(path, "rb") as f:
            f.seek(i["blob_offset"])
            data = base64.b64encode(f.read(i["bytes"])).decode()
        out.setdefault(i["reason"], []).append(f"data:{TYPES[i['format']]};base64,{data}")
    return sorted(out.items())
