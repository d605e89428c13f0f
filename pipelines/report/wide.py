"""Joins what the stages wrote about one unit (or bucket) into wide rows. Each join is by file: see docs/architecture.md."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import duckdb
import pyarrow as pa

from schemas.reasons import Reason

_GONE = Reason.DOCUMENT_DROPPED.value

# A document's fate is the first stage that dropped it; `select` has the last word on what is in the shards.
DOCUMENTS = """
SELECT m.* EXCLUDE (kept, first_reason, reasons, shadow_reasons),
       CASE WHEN NOT m.kept THEN 'extract' WHEN NOT d.kept THEN 'dedup' WHEN NOT s.kept THEN 'select'
            WHEN NOT coalesce(p.kept, true) THEN 'pack' ELSE '' END AS stage,
       CASE WHEN NOT m.kept THEN m.first_reason WHEN NOT d.kept THEN d.reason WHEN NOT s.kept THEN s.reason
            WHEN NOT coalesce(p.kept, true) THEN p.reason ELSE '' END AS first_reason,
       m.kept AND coalesce(d.kept, false) AND coalesce(s.kept, false) AND coalesce(p.kept, true) AS kept,
       list_distinct(list_concat(m.reasons, CASE WHEN d.reason <> '' THEN [d.reason] ELSE [] END, coalesce(s.reasons, []))) AS reasons,
       m.shadow_reasons, coalesce(d.duplicate_of, '') AS duplicate_of, d.similarity AS duplicate_similarity,
       coalesce(d.cluster, '') AS cluster, coalesce(s.split, '') AS split, s.n_images AS images_kept, s.n_text AS texts_kept,
       coalesce(p.shard, '') AS shard, s.* EXCLUDE (doc_id, unit, row, kept, reason, reasons, split, n_text, n_images)
FROM measures m LEFT JOIN dedup d ON m.row >= 0 AND d.row = m.row
                LEFT JOIN selected s ON m.row >= 0 AND s.row = m.row
                LEFT JOIN packed p ON m.row >= 0 AND p.row = m.row
ORDER BY m.doc_id, m.warc_path, m.warc_offset
"""

NODES = f"""
SELECT n.* EXCLUDE (kept, first_reason, reasons, shadow_reasons, document_kept), x.domain,
       CASE WHEN n.first_reason <> '' OR NOT n.document_kept THEN 'extract' WHEN dn.reason <> '' OR x.stage = 'dedup' THEN 'dedup'
            WHEN NOT coalesce(sn.kept, false) THEN 'select' WHEN x.stage = 'pack' THEN 'pack' ELSE '' END AS stage,
       CASE WHEN n.first_reason <> '' THEN n.first_reason WHEN NOT n.document_kept THEN '{_GONE}' WHEN dn.reason <> '' THEN dn.reason
            WHEN x.stage = 'dedup' THEN '{_GONE}' WHEN sn.reason <> '' THEN sn.reason
            WHEN NOT coalesce(sn.kept, false) OR x.stage = 'pack' THEN '{_GONE}' ELSE '' END AS first_reason,
       n.first_reason = '' AND n.document_kept AND dn.reason IS NULL AND coalesce(sn.kept, false) AND x.kept AS kept,
       list_distinct(list_concat(n.reasons, coalesce(v.reasons, []))) AS reasons,
       list_distinct(list_concat(n.shadow_reasons, coalesce(v.shadow_reasons, []))) AS shadow_reasons, coalesce(dn.duplicate_of, sn.duplicate_of, '') AS duplicate_of,
       coalesce(pl.status, '') AS fetch_status, coalesce(pl.sha256, '') AS sha256, coalesce(pl.pdq, '') AS pdq, {{measures}}
FROM nodes n JOIN wide_documents x ON n.doc_id = x.doc_id AND n.record = x.record
     LEFT JOIN dedup_nodes dn ON dn.row = x.row AND dn.index = n.index AND NOT dn.kept
     LEFT JOIN selected_nodes sn ON sn.row = x.row AND sn.index = n.index
     LEFT JOIN verdicts v ON v.row = x.row AND v.index = n.index
     LEFT JOIN placements pl ON pl.row = x.row AND pl.index = n.index
ORDER BY n.doc_id, n.index
"""

PAIRS = """
SELECT p.* EXCLUDE (kept, first_reason, reasons, shadow_reasons), n.domain, n.language, n.kept, n.stage, n.first_reason,
       [r FOR r IN n.reasons IF starts_with(r, 'pair.')] AS reasons, [r FOR r IN n.shadow_reasons IF starts_with(r, 'pair.')] AS shadow_reasons
FROM pairs p JOIN wide_documents d ON d.row = p.row JOIN wide_nodes n ON n.doc_id = d.doc_id AND n.record = d.record AND n.index = p.index
ORDER BY p.doc_id, p.index
"""

IMAGES = """
SELECT u.*, i.* EXCLUDE (image_id, url, bucket, sha256, kept, first_reason, reasons, shadow_reasons),
       CASE WHEN u.status <> 'success' THEN 'fetch' WHEN i.image_id IS NULL OR NOT i.kept THEN 'score' ELSE '' END AS stage,
       CASE WHEN u.status <> 'success' THEN 'image.fetch.failed' WHEN i.image_id IS NULL THEN 'image.decode.failed' ELSE i.first_reason END
         AS first_reason,
       u.status = 'success' AND coalesce(i.kept, false) AS kept,
       coalesce(i.reasons, []) AS reasons, coalesce(i.shadow_reasons, []) AS shadow_reasons
FROM urls u LEFT JOIN images i ON i.image_id = u.image_id
ORDER BY u.image_id
"""

DECISIONS = """
SELECT 'documents' AS kind, doc_id, CAST(NULL AS INTEGER) AS index, '' AS image_id, url, domain, language, stage, first_reason AS reason,
       reasons, duplicate_of
FROM wide_documents WHERE NOT kept
UNION ALL
SELECT CASE kind WHEN 'text' THEN 'paragraphs' ELSE 'images' END, doc_id, index, image_id, url, domain, language, stage, first_reason,
       reasons, duplicate_of
FROM wide_nodes WHERE NOT kept AND role <> 'end' AND first_reason <> 'node.document_dropped'
ORDER BY doc_id, kind, index
"""


_PLACEMENT = {
    "doc_id",
    "unit",
    "row",
    "index",
    "image_id",
    "language",
    "status",
    "reason",
    "sha256",
    "format",
    "pdq",
    "phash",
    "scored",
    "shadow",
}


def nodes_sql(nodes: pa.Table, placements: pa.Table) -> str:
    """NODES with every measure of an image node, whichever stage took it: rendered size from extract, pixels and similarity from score."""
    own = [c for c in placements.column_names if c not in _PLACEMENT and c not in nodes.column_names]
    return NODES.format(measures=", ".join(f'pl."{c}"' for c in own) or "NULL AS scored_measures")


_own = threading.local()


def sql(query: str, tables: Mapping[str, pa.Table]) -> pa.Table:
    """Run a query over Arrow tables in a private in-memory DuckDB of one thread (rows come out in the order asked for)."""
    if not hasattr(_own, "con"):  # opening one takes 20 to 40 ms, most of what a small unit's queries take
        _own.con = duckdb.connect(":memory:", config={"threads": 1})
    try:
        for name, table in tables.items():
            _own.con.register(name, table)
        return _own.con.sql(query).to_arrow_table()
    finally:
        for name in tables:
            _own.con.unregister(name)
