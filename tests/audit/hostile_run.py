"""A run whose pages are given: a finished run's folder with other documents, whose records lie in a WARC of our own."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def make(run: Path, out: Path, pages: list[bytes], words: list[str]) -> list[str]:
    """Copy `run` to `out` with `pages` as its documents, whose titles, URLs and roles are `words`; the documents' ids."""
    shutil.copytree(run, out, copy_function=shutil.copyfile)
    archive = out / "hostile.warc.gz"
    (document,) = pq.read_table(out / "audit" / "documents").slice(0, 1).to_pylist()
    schema = pq.read_schema(next((out / "audit" / "documents").glob("*.parquet")))
    node_schema = pq.read_schema(next((out / "audit" / "nodes").glob("*.parquet")))
    (node,) = pq.read_table(out / "audit" / "nodes").slice(0, 1).to_pylist()
    rows, nodes = [], []
    with archive.open("wb") as f:
        for i, page in enumerate(pages):
            word, url = words[i % len(words)], f"http://hostile.example/{i}"
            body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
            head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: {len(body)}\r\n\r\n"
            member = gzip.compress(head.encode() + body + b"\r\n\r\n", mtime=0)
            doc_id = hashlib.sha256(str(i).encode()).hexdigest()[:32]
            where = {"doc_id": doc_id, "unit": "00000", "record": i}
            rows.append(
                {
                    **document,
                    **where,
                    "url": url,
                    "title": word,
                    "domain": word,
                    "language": "en",
                    "row": i,
                    "warc_path": str(archive),
                    "warc_offset": f.tell(),
                    "warc_length": len(member),
                    "duplicate_of": "",
                }
            )
            nodes.append(
                {
                    **node,
                    **where,
                    "index": 0,
                    "kind": "image" if i % 2 else "text",
                    "role": word,
                    "url": word,
                    "reasons": [word],
                    "kept": False,
                    "first_reason": word,
                }
            )
            f.write(member)
    for table, made, kind in (("documents", rows, schema), ("nodes", nodes, node_schema)):
        shutil.rmtree(out / "audit" / table)
        (out / "audit" / table).mkdir()
        pq.write_table(pa.Table.from_pylist(sorted(made, key=lambda r: r["doc_id"]), kind), out / "audit" / table / "0000.parquet")
    return [r["doc_id"] for r in rows]
