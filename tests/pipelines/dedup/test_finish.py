"""A unit's decisions from the verdicts of several passes: the first pass that drops a document names its reason; nothing is kept twice."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pytest

from pipelines.dedup.features import PARAGRAPH
from pipelines.dedup.finish import ORDER, unit_tables
from pipelines.dedup.repeats import NODE_VERDICTS
from pipelines.dedup.work import VERDICTS, Work
from schemas.reasons import Reason
from schemas.tables import schema

IMAGE = PARAGRAPH + 1


class Passes:
    """What the passes left of one unit of four documents with a paragraph and a picture each."""

    def __init__(self, **verdicts: list[dict[str, Any]]):
        fields = schema("signatures")
        documents = [
            {"doc_id": f"d{i}", "row": i, "url_key": bytes(16), "text_key": bytes(16), "fetched_at": "", "signature": b"s"}
            for i in range(4)
        ]
        nodes = [{"row": r, "index": i, "kind": kind} for r in range(4) for i, kind in enumerate((PARAGRAPH, IMAGE))]
        self.tables = {
            "documents": pa.Table.from_pylist(documents, fields),
            "nodes": pa.Table.from_pylist(nodes),
            "node_verdicts": pa.Table.from_pylist(verdicts.pop("node_verdicts", []), NODE_VERDICTS),
            **{name: pa.Table.from_pylist(verdicts.get(name, []), VERDICTS) for name in ORDER},
        }

    def read(self, name: str, unit: str, wanted: pa.Schema | None = None) -> pa.Table:
        assert unit == "00003"
        return self.tables[name]


def verdict(row: int, reason: str = "", of: str = "", similarity: float | None = None, cluster: str = "") -> dict[str, Any]:
    return {"row": row, "reason": reason, "duplicate_of": of, "similarity": similarity, "cluster": cluster, "twin": 0}


def made(**verdicts: list[dict[str, Any]]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, Any]]:
    tables, facts = unit_tables(cast(Work, Passes(**verdicts)), "00003")
    return {name: t.to_pylist() for name, t in tables.items()}, facts["nodes"]


@pytest.mark.parametrize(("first", "second"), list(zip(ORDER, ORDER[1:], strict=False)))
def test_the_first_pass_that_drops_a_document_names_its_reason(first: str, second: str) -> None:
    early = [verdict(1, "early", "d0", 0.5, "c-early"), verdict(2, "", "", None, "c-kept")]
    late = [verdict(1, "late", "d3", 0.9, "c-late"), verdict(2, "late", "d3", 0.9, "c-late"), verdict(3, "", "", None, "c-late")]
    tables, _ = made(**{first: early, second: late})
    said = [(r["doc_id"], r["kept"], r["reason"], r["duplicate_of"], r["similarity"], r["cluster"]) for r in tables["decisions"]]
    assert said == [
        ("d0", True, "", "", None, ""),
        ("d1", False, "early", "d0", 0.5, "c-early"),
        ("d2", False, "late", "d3", 0.9, "c-kept"),
        ("d3", True, "", "", None, "c-late"),
    ]
    assert [s["doc_id"] for s in tables["signatures"]] == ["d0", "d3"]
    assert {r["unit"] for r in tables["decisions"]} == {"00003"} and [r["row"] for r in tables["decisions"]] == [0, 1, 2, 3]


def test_nodes_that_go_are_none_of_them_kept_and_all_are_counted() -> None:
    node = {"duplicate_of": "other", "image_id": ""}
    gone = [
        {"row": 2, "index": 1, "kind": IMAGE, "reason": "picture", **node, "image_id": "i"},
        {"row": 0, "index": 0, "kind": PARAGRAPH, "reason": "repeat", **node},
    ]
    tables, facts = made(captures=[verdict(1, "early", "d0")], node_verdicts=gone)
    said = [(r["doc_id"], r["index"], r["kind"], r["kept"], r["reason"], r["image_id"], r["similarity"]) for r in tables["node_decisions"]]
    assert said == [("d0", 0, "text", False, "repeat", "", None), ("d2", 1, "image", False, "picture", "i", None)]
    dropped = str(Reason.DOCUMENT_DROPPED)
    assert facts == {"paragraphs": {"entered": 4, "kept": 2, dropped: 1}, "images": {"entered": 4, "kept": 2, dropped: 1}}
