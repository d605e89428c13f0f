"""The documents of a unit that are still in play: extract's rows with later decisions laid over them, joined by file.

Page text is read once from the file it lies in and never shuffled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.stage import Done
from schemas.rows import Document, Node

BATCH = 256  # documents held at once


def survivors(extract: Done, dedup: Done, unit: str, select: Done | None = None) -> Iterator[tuple[int, Document]]:
    """(row, document) for each document of `extract/documents/<unit>` that dedup (and select, if given) kept, in row order.

    Nodes that a later stage dropped carry its reason; nothing is renumbered. ValueError if decisions are missing for a row:
    a silent gap would lose a document.
    """
    path = extract.path("documents", unit)
    if path is None:
        return
    keep, node_reasons = _decisions(dedup, "decisions", unit)
    if select is not None:
        keep2, more = _decisions(select, "selected", unit)
        keep = {row: kept and keep2.get(row, False) for row, kept in keep.items()}
        for row, reasons in more.items():
            node_reasons.setdefault(row, {}).update({i: r for i, r in reasons.items() if i not in node_reasons.get(row, {})})
    for row, document in documents(path):
        if row not in keep:
            raise ValueError(f"no dedup decision for row {row} of {path}: run the dedup stage again")
        if keep[row]:
            reasons = node_reasons.get(row)
            yield row, (document if not reasons else _with(document, reasons))


def documents(path: str) -> Iterator[tuple[int, Document]]:
    """(row, document) of a `documents` file, in order, a batch at a time."""
    row = 0
    with storage.open_read(path) as f:
        for batch in pq.ParquetFile(f).iter_batches(batch_size=BATCH):
            for raw in batch.to_pylist():
                yield row, document_of(raw)
                row += 1


def document_of(raw: dict[str, Any]) -> Document:
    """A row of the `documents` schema as a Document."""
    return Document(**{**raw, "nodes": tuple(Node(**n) for n in raw["nodes"])})


def _with(document: Document, reasons: dict[int, str]) -> Document:
    return document._replace(
        nodes=tuple(n if n.reason or n.index not in reasons else n._replace(reason=reasons[n.index]) for n in document.nodes)
    )


def _decisions(done: Done, table: str, unit: str) -> tuple[dict[int, bool], dict[int, dict[int, str]]]:
    keep: dict[int, bool] = {}
    found = done.read(table, unit, ["row", "kept"])
    if found is not None:
        keep = dict(zip(found["row"].to_pylist(), found["kept"].to_pylist(), strict=True))
    reasons: dict[int, dict[int, str]] = {}
    nodes = done.read("node_decisions", unit, ["row", "index", "kept", "reason"])
    if nodes is not None:
        dropped = nodes.filter(pc.invert(nodes["kept"])) if nodes.num_rows else nodes
        for row, index, reason in zip(*(dropped[c].to_pylist() for c in ("row", "index", "reason")), strict=True):
            reasons.setdefault(row, {})[index] = reason
    return keep, reasons
