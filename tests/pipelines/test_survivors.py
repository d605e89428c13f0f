"""Which documents and nodes are still in play: decisions of two stages laid over extract's rows, and a missing decision is no silent loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.survivors import survivors
from schemas.rows import Document, Node
from schemas.tables import schema


class Stage:
    """A finished stage with tables of one unit."""

    def __init__(self, folder: Path, **tables: list[dict[str, Any]]):
        self.tables, self.folder = tables, folder
        if "documents" in tables:
            pq.write_table(pa.Table.from_pylist(tables["documents"], schema("documents")), folder / "documents.parquet")

    def path(self, table: str, part: str) -> str | None:
        return str(self.folder / f"{table}.parquet") if table in self.tables and part == "u" else None

    def read(self, table: str, part: str, columns: list[str]) -> pa.Table | None:
        rows = self.tables.get(table)
        return pa.Table.from_pylist([{c: r[c] for c in columns} for r in rows]) if rows else None


def document(row: int) -> dict[str, Any]:
    nodes = (Node(0, "text", text="a"), Node(1, "image", url="u"), Node(2, "text", text="b", reason="paragraph.x"))
    d = Document(f"d{row}", "u", "u", "e", "c", "w", row, 1, "t", "title", "en", 0.9, nodes)
    return {**d._asdict(), "nodes": [n._asdict() for n in nodes]}


def decided(*kept: bool) -> list[dict[str, Any]]:
    return [{"row": i, "kept": k} for i, k in enumerate(kept)]


def node(row: int, index: int, reason: str = "", kept: bool = False) -> dict[str, Any]:
    return {"row": row, "index": index, "kept": kept, "reason": reason}


def left(tmp_path: Path, dedup: dict[str, Any], select: dict[str, Any] | None = None, n: int = 3) -> dict[int, list[str]]:
    extract = Stage(tmp_path, documents=[document(i) for i in range(n)])
    found = survivors(extract, Stage(tmp_path, **dedup), "u", None if select is None else Stage(tmp_path, **select))  # type: ignore[arg-type]
    return {row: [x.reason for x in d.nodes] for row, d in found if d.doc_id == f"d{row}"}


def test_what_dedup_dropped_is_gone_and_its_nodes_carry_their_reason(tmp_path):
    found = left(
        tmp_path,
        {"decisions": decided(True, False, True), "node_decisions": [node(2, 0, "dup"), node(2, 1, "", True), node(2, 2, "later")]},
    )
    assert found == {0: ["", "", "paragraph.x"], 2: ["dup", "", "paragraph.x"]}


def test_select_is_laid_over_it_and_the_first_reason_stays(tmp_path):
    dedup = {"decisions": decided(True, False, True), "node_decisions": [node(2, 0, "dup")]}
    select = {"selected": decided(True, True, False), "node_decisions": [node(0, 1, "pair"), node(0, 0, "", True)]}
    assert left(tmp_path, dedup, select) == {0: ["", "pair", "paragraph.x"]}
    select = {"selected": decided(False, True, True), "node_decisions": [node(2, 0, "other"), node(2, 1, "pair")]}
    assert left(tmp_path, dedup, select) == {2: ["dup", "pair", "paragraph.x"]}
    dedup["node_decisions"] = [node(2, 1, "", True)]  # what dedup kept is still select's to drop
    assert left(tmp_path, dedup, select) == {2: ["other", "pair", "paragraph.x"]}


def test_a_document_that_select_says_nothing_of_does_not_stay(tmp_path):
    assert left(tmp_path, {"decisions": decided(True, True, True)}, {"selected": decided(True)}) == {0: ["", "", "paragraph.x"]}


def test_a_row_without_a_decision_is_named(tmp_path):
    with pytest.raises(ValueError, match="no dedup decision for row 1"):
        left(tmp_path, {"decisions": decided(True)})


def test_a_unit_without_documents_has_none(tmp_path):
    assert list(survivors(Stage(tmp_path), Stage(tmp_path), "u")) == []  # type: ignore[arg-type]
