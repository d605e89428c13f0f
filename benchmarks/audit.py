"""The auditor's desk at 1,000,000 documents: `why`, every page of the explorer, a what-if over 20 thresholds. The tables are generated.

python -m benchmarks.audit              (--json: the figures as JSON; --documents N: fewer)
"""

from __future__ import annotations

import argparse
import json as jsonlib
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from benchmarks.peers import row, show
from pipelines.storage import ROW_GROUP

IMAGES_PER_DOCUMENT, TEXTS_PER_DOCUMENT, FILES = 2, 3, 16
DOCUMENT_MEASURES = tuple(f"doc_m{i}" for i in range(12))
LIMITS = 10  # of documents at select, and as many of images


def generate(folder: str, documents: int) -> None:
    """Audit tables as a run leaves them, in id order, a file per id range."""
    import duckdb

    con = duckdb.connect(config={"memory_limit": "3GB", "threads": 2})
    con.execute("SELECT setseed(0.5)")
    for table in ("documents", "nodes", "images", "pairs", "decisions", "dead", "optouts", "rollups", "rules"):
        os.makedirs(os.path.join(folder, "audit", table), exist_ok=True)
    measures = ", ".join(f"random() AS {m}" for m in DOCUMENT_MEASURES)
    for part in range(FILES):
        n = documents // FILES
        con.execute(f"""CREATE OR REPLACE TABLE d AS SELECT * EXCLUDE (r), CASE WHEN r < .35 THEN 'extract' WHEN r < .5 THEN 'dedup' WHEN r < .6 THEN 'select' ELSE '' END AS stage,
          CASE WHEN r < .2 THEN 'document.word_count.below' WHEN r < .35 THEN 'document.language.not_wanted' WHEN r < .5 THEN 'document.duplicate.near' WHEN r < .6 THEN 'document.empty.no_image' ELSE '' END AS first_reason,
          r >= .6 AS kept, CASE WHEN r < .6 THEN [first_reason] ELSE []::VARCHAR[] END AS reasons, []::VARCHAR[] AS shadow_reasons
          FROM (SELECT printf('%02x', {part * 256 // FILES}) || substr(md5(i::VARCHAR), 3) AS doc_id, 'http://www.site-' || (i % 40000) || '.example/path/page-' || i || '.html' AS url, url AS canonical_url,
          'site-' || (i % 40000) || '.example' AS domain, '' AS crawl, 'none.warc.gz' AS warc_path, i AS warc_offset, 1000::BIGINT AS warc_length, '2026-01-01T00:00:00Z' AS fetched_at, 'Page number ' || i AS title,
          (['en','de','fr','es','ja','zh','ru','pt'])[1 + (i % 8)::INT] AS language, 0.9 AS language_score, '{part:05d}' AS unit, (i % {n})::INT AS record, (i % {n})::INT AS row, 3 AS n_text, 2 AS n_images,
          900::BIGINT AS text_bytes, '' AS duplicate_of, NULL::DOUBLE AS duplicate_similarity, '' AS cluster, 'train' AS split, 2 AS images_kept, 3 AS texts_kept, 'weft-00000' AS shard, 2.0 AS final_images,
          40.0 AS final_words, {measures}, random() AS r FROM range({part * n}, {(part + 1) * n}) t(i)) ORDER BY doc_id""")
        con.execute(f"COPY d TO '{folder}/audit/documents/{part:04d}.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})")
        image = ", ".join(f"CASE WHEN image THEN random() END AS image_m{i}" for i in range(LIMITS))
        con.execute(f"""COPY (SELECT doc_id, unit, record, index, CASE WHEN image THEN 'image' ELSE 'text' END AS kind, CASE WHEN image THEN 'image' ELSE 'p' END AS role,
          CASE WHEN image THEN md5(doc_id || index) ELSE '' END AS image_id, CASE WHEN image THEN 'http://img.example/' || md5(doc_id || index) || '.jpg' ELSE '' END AS url, 300 AS text_bytes, language, domain,
          stage, CASE WHEN kept THEN '' ELSE 'node.document_dropped' END AS first_reason, kept, []::VARCHAR[] AS reasons, []::VARCHAR[] AS shadow_reasons, '' AS duplicate_of,
          CASE WHEN image AND stage IN ('', 'select') THEN 'success' ELSE '' END AS fetch_status, CASE WHEN image AND stage IN ('', 'select') THEN sha256(doc_id || index) ELSE '' END AS sha256, '' AS pdq,
          CASE WHEN image THEN random() END AS pair_similarity, {image}
          FROM (SELECT d.*, t.i::INT AS index, t.i >= {TEXTS_PER_DOCUMENT} AS image FROM d, range({IMAGES_PER_DOCUMENT + TEXTS_PER_DOCUMENT}) t(i)) ORDER BY doc_id, index)
          TO '{folder}/audit/nodes/{part:04d}.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})""")
    nodes, docs = f"'{folder}/audit/nodes/*.parquet'", f"'{folder}/audit/documents/*.parquet'"
    con.execute(f"""COPY (SELECT image_id, url, 'img.example' AS host, '0000' AS bucket, 'success' AS status, 200 AS http_status, url AS final_url, 'public' AS address_class, 20000::BIGINT AS bytes, sha256, '' AS blob,
      0::BIGINT AS blob_offset, '' AS format, '' AS pdq, '' AS stage, '' AS first_reason, true AS kept, []::VARCHAR[] AS reasons, []::VARCHAR[] AS shadow_reasons FROM {nodes} WHERE sha256 <> '' ORDER BY image_id)
      TO '{folder}/audit/images/0000.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})""")
    con.execute(f"""COPY (SELECT doc_id, unit, record AS row, index, image_id, -1 AS best_index, 'alt' AS best_kind, pair_similarity, kept, first_reason FROM {nodes} WHERE sha256 <> '' ORDER BY doc_id, index)
      TO '{folder}/audit/pairs/0000.parquet' (COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})""")
    fates = "stage, first_reason AS reason, language, kept, count(*) AS n"
    con.execute(f"""COPY (SELECT 'documents' AS kind, '' AS measure, NULL::INT AS bin, {fates} FROM {docs} GROUP BY ALL UNION ALL
      SELECT CASE kind WHEN 'text' THEN 'paragraphs' ELSE 'images' END, '', NULL, {fates} FROM {nodes} GROUP BY ALL UNION ALL
      SELECT 'documents', 'doc_m0', floor(doc_m0 * 50)::INT, '', '', language, kept, count(*) FROM {docs} GROUP BY ALL) TO '{folder}/audit/rollups/0000.parquet'""")
    import pyarrow as pa
    import pyarrow.parquet as pq

    from schemas import tables

    rules = [_rule(f"document.m{i}", "document", "select", f"doc_m{i}", i) for i in range(LIMITS)] + [
        _rule(f"image.m{i}", "image", "score", f"image_m{i}", i) for i in range(LIMITS)
    ]
    rules += [{**_rule("pair.similarity", "pair", "select", "pair_similarity", 99), "limit": 0.0}]
    for name, rows in (("rules", rules), ("dead", []), ("optouts", []), ("decisions", [])):
        pq.write_table(
            pa.Table.from_pylist(rows, tables.schema("rules" if name == "rules" else name if name != "decisions" else "dead")),
            f"{folder}/audit/{name}/0000.parquet",
        )
    _stages(folder)


def _rule(name: str, unit: str, at: str, measure: str, order: int) -> dict[str, Any]:
    return {
        "rule": name,
        "unit": unit,
        "at": at,
        "version": 1,
        "measure": measure,
        "side": "below",
        "limit": 0.0,
        "reason": f"{name}.below",
        "shadow": False,
        "order": order,
        "only": [],
        "but": [],
        "source": "generated",
        "doc": "Generated.",
    }


def _stages(folder: str) -> None:
    from schemas.manifest import Count, StageManifest, dumps

    os.makedirs(f"{folder}/stages", exist_ok=True)
    with open(f"{folder}/config.toml", "w") as f:
        f.write('[run]\nname = "generated"\n\n[select]\ncopies_max = 0\n')
    with open(f"{folder}/stages/current.json", "w") as f:
        f.write(jsonlib.dumps({s: "generated" for s in ("extract", "fetch", "report")}))
    for stage in ("extract", "fetch", "report"):
        os.makedirs(f"{folder}/stages/{stage}/generated", exist_ok=True)
        with open(f"{folder}/stages/{stage}/generated/manifest.json", "wb") as f:
            f.write(dumps(StageManifest(stage, "generated", {}, {}, "", {}, {}, {"documents": Count(1, 1)})))


def measure(folder: str) -> dict[str, Any]:
    """Seconds of each question; the better of two, because the first also pays for the file cache."""
    from starlette.testclient import TestClient

    from audit.run import Run
    from audit.server.app import create
    from audit.whatif import whatif
    from audit.why import why

    run = Run(folder)
    with run.connect() as con:
        doc_id, url = con.execute("SELECT doc_id, url FROM documents LIMIT 1 OFFSET 12345").fetchone()  # type: ignore[misc]
        (image,) = con.execute("SELECT image_id FROM images LIMIT 1 OFFSET 4321").fetchone()  # type: ignore[misc]
    twenty = [f"document.m{i}.min={0.002 * (i + 1)}" for i in range(LIMITS)] + [f"image.m{i}.min={0.003 * (i + 1)}" for i in range(LIMITS)]
    out = {"why by id": _time(lambda: why(run, doc_id)), "why by URL": _time(lambda: why(run, url)), "why, never seen": _time(lambda: why(run, "http://none.example/")),
           "whatif, 20 thresholds": _time(lambda: whatif(run, twenty))}  # fmt: skip
    pages = {"overview": "/", "limits": "/limits", "limit": "/limit/document.m0.min", "documents": "/documents", "documents, by words": "/documents?q=page-77", "documents, by reason": "/documents?reason=document.duplicate.near",
             "document": f"/document/{doc_id}", "image": f"/image/{image}", "gallery": "/gallery?reason=", "domains": "/domains", "domain": "/domain/site-77.example", "find": f"/find?q={url}"}  # fmt: skip

    def get(path: str) -> None:
        client = TestClient(create(run, "t"), base_url="http://127.0.0.1")  # new each time: no remembered answers
        client.cookies.set("weft", "t")
        began = time.perf_counter()
        r = client.get(path)
        times.append(time.perf_counter() - began)
        assert r.status_code == 200, (path, r.status_code, r.text[:500])

    for name, path in pages.items():
        times: list[float] = []
        get(path)
        get(path)
        out[f"page {name}"] = min(times)
    return out


def _time(question: Callable[[], Any]) -> float:
    found = []
    for _ in range(2):
        began = time.perf_counter()
        question()
        found.append(time.perf_counter() - began)
    return min(found)


def main(json: bool = False, documents: int = 1_000_000) -> int:
    """Generate, ask, print; 0 = every question within its limit (why 1 s, what-if 2 s, a page 0.3 s)."""
    folder = tempfile.mkdtemp(prefix="weft-audit-")
    try:
        child = multiprocessing.get_context("spawn").Process(target=generate, args=(folder, documents))  # its memory is not the desk's
        child.start()
        child.join()
        if child.exitcode:
            raise RuntimeError(f"the tables could not be generated (exit {child.exitcode})")
        size = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(folder) for f in files)
        found = measure(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    limits = {n: 2.0 if n.startswith("whatif") else 1.0 if n.startswith("why") else 0.3 for n in found}
    rows = [row(n, f"limit {limits[n]:g} s", round(s * 1000, 1), "ms", round(limits[n] / s, 3), 1.0) for n, s in found.items()]
    rows.append(
        row(
            f"tables of {documents:,} documents, {documents * (IMAGES_PER_DOCUMENT + TEXTS_PER_DOCUMENT):,} nodes",
            "",
            round(size / documents, 1),
            "bytes a document",
            None,
            None,
        )
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    rows.append(row("peak memory of the desk", "", round(peak, 0), "MB", None, None))
    return show(rows, ["duckdb", "pyarrow"], json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--documents", type=int, default=1_000_000)
    given = parser.parse_args()
    sys.exit(main(given.json, given.documents))
