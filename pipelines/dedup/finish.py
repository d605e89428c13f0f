"""A unit's decisions from the verdicts of all passes: one row per document, one per node that goes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup.features import PARAGRAPH
from pipelines.dedup.repeats import NODE_VERDICTS
from pipelines.dedup.work import VERDICTS, Work
from schemas.reasons import Reason
from schemas.tables import schema

ORDER = ("captures", "texts", "near_earlier", "near", "emptied", "image_sets")  # the first that drops a document names its reason


def unit_tables(work: Work, unit: str) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """(tables, facts) of a unit. Facts: how many paragraphs and images entered, stayed, and went with their document."""
    documents = work.read("documents", unit)
    n = len(documents)
    doc_id = documents["doc_id"].to_pylist()
    reason, of, cluster = [""] * n, [""] * n, [""] * n
    similarity: list[float | None] = [None] * n
    for name in ORDER:
        for v in work.read(name, unit, VERDICTS).to_pylist():
            r = v["row"]
            cluster[r] = cluster[r] or v["cluster"]
            if v["reason"] and not reason[r]:
                reason[r], of[r], similarity[r] = v["reason"], v["duplicate_of"], v["similarity"]
    kept = [not r for r in reason]
    tables = {
        "decisions": _table("decisions", doc_id, [unit] * n, documents["row"], kept, reason, of, similarity, cluster),
        "node_decisions": _node_decisions(work, unit, doc_id),
        "signatures": _signatures(documents.filter(pa.array(kept, pa.bool_()))),
    }
    return tables, {"nodes": _node_facts(work, unit, np.array(kept, bool), tables["node_decisions"])}


def _node_decisions(work: Work, unit: str, doc_id: list[str]) -> pa.Table:
    v = work.read("node_verdicts", unit, NODE_VERDICTS)
    n = len(v)
    kind = ["text" if k == PARAGRAPH else "image" for k in v["kind"].to_pylist()]
    ids = [doc_id[r] for r in v["row"].to_pylist()]
    columns = ids, [unit] * n, v["row"], v["index"], kind, v["image_id"], [False] * n, v["reason"], v["duplicate_of"], [None] * n
    return _table("node_decisions", *columns).sort_by([("row", "ascending"), ("index", "ascending")])


def _signatures(documents: pa.Table) -> pa.Table:
    wanted = schema("signatures")
    return documents.select(wanted.names).cast(wanted)


def _table(name: str, *columns: Any) -> pa.Table:
    wanted = schema(name)
    return pa.table([pa.array(c, f.type) if isinstance(c, list) else c for c, f in zip(columns, wanted, strict=True)], schema=wanted)


def _node_facts(work: Work, unit: str, kept: np.ndarray, decisions: pa.Table) -> dict[str, dict[str, int]]:
    """Entered and what became of it, counted node by node."""
    nodes = work.read("nodes", unit)
    gone = dict.fromkeys(zip(decisions["row"].to_pylist(), decisions["index"].to_pylist(), strict=True))
    counts: dict[str, Counter[str]] = {"paragraphs": Counter(entered=0), "images": Counter(entered=0)}
    places = zip(nodes["row"].to_pylist(), nodes["index"].to_pylist(), nodes["kind"].to_pylist(), strict=True)
    for row, index, kind in places:
        count = counts["paragraphs" if kind == PARAGRAPH else "images"]
        count["entered"] += 1
        if (row, index) not in gone:
            count["kept" if kept[row] else str(Reason.DOCUMENT_DROPPED)] += 1
    return {k: dict(c) for k, c in counts.items()}
