"""What each stage counts of the tables that it wrote: made by hand, every kind of row twice, so that no question of the books can be left out."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.stage import StageContext
from pipelines.stages import dedup, extract, fetch, pack, score, select
from schemas.manifest import Count, Part
from schemas.reasons import Reason

GONE = str(Reason.DOCUMENT_DROPPED)


class Written:
    """A stage's folder in which tables of two parts each stand, and what it was given."""

    def __init__(self, folder: Path, **tables: list[dict[str, Any]]):
        self.folder, self.inputs = folder, {}
        self.tables: dict[str, tuple[Part, ...]] = {}
        for name, rows in tables.items():
            halves = [rows[: len(rows) // 2], rows[len(rows) // 2 :]]
            for i, half in enumerate(halves):
                pq.write_table(pa.Table.from_pylist(half, pa.Table.from_pylist(rows).schema), folder / f"{name}-{i}.parquet")
            self.tables[name] = tuple(Part(f"{name}-{i}.parquet", len(half), 0, "") for i, half in enumerate(halves))

    def path(self, *parts: str) -> str:
        return str(self.folder.joinpath(*parts))

    def given(self, stage: str, **counts: Any) -> Written:
        """An input whose manifest says so, and whose tables are ours."""
        paths = lambda table: [self.path(p.path) for p in self.tables.get(table, ())]  # noqa: E731
        self.inputs[stage] = SimpleNamespace(paths=paths, manifest=SimpleNamespace(rows=counts.get, counts=counts))
        return self

    @property
    def ctx(self) -> StageContext:
        return cast(StageContext, self)


def times(row: dict[str, Any], n: int) -> list[dict[str, Any]]:
    return [row] * n


def test_extract(tmp_path):
    def document(kept: bool, reason: str) -> dict[str, Any]:
        return {"kept": kept, "first_reason": reason}

    def node(kind: str, reason: str, document_kept: bool, role: str = "p") -> dict[str, Any]:
        return {"kind": kind, "role": role, "first_reason": reason, "document_kept": document_kept}

    w = Written(
        tmp_path,
        documents=times({"doc_id": "a"}, 3),
        document_measures=[*times(document(True, ""), 3), *times(document(False, "a"), 2), *times(document(False, "b"), 4)],
        dead=[*times({"id": "d"}, 2), *times({"id": ""}, 5)],  # those without an id are damage between records
        nodes=[
            *times(node("text", "", True), 2), *times(node("text", "short", True), 3), *times(node("text", "short", False), 1), *times(node("text", "", False), 4),
            *times(node("text", "", True, "end"), 6), *times(node("image", "", True, "image"), 5), *times(node("image", "small", True, "image"), 7), *times(node("image", "", False, "image"), 8),
        ],
    )  # fmt: skip
    said = extract.count(str(tmp_path), w.tables, {"records": 11, "paragraphs": 10, "images": 20})
    assert said == {
        "documents": Count(11, 3, {"a": 2, "b": 4}, 2),
        "paragraphs": Count(10, 2, {"short": 4, "node.document_dropped": 4}),
        "images": Count(20, 5, {"small": 7, "node.document_dropped": 8}),
    }
    assert all(c.missing() == 0 for c in said.values())
    assert extract.count(str(tmp_path), {}, {}) == {"documents": Count(), "paragraphs": Count(), "images": Count()}


def test_dedup(tmp_path):
    nodes = [
        *times({"kind": "text", "reason": "t"}, 2),
        *times({"kind": "image", "reason": "i"}, 3),
        *times({"kind": "text", "reason": "u"}, 4),
    ]
    decisions = [*times({"reason": ""}, 3), *times({"reason": "url"}, 2), *times({"reason": "near"}, 4)]
    w = Written(tmp_path, decisions=decisions, node_decisions=nodes).given("extract", documents=9)
    facts = {"nodes": {"paragraphs": {"entered": 20, "kept": 9, GONE: 5}, "images": {"entered": 7, "kept": 4}}}
    said = dedup.DedupStage().counts(w.ctx, w.tables, facts)
    assert said == {
        "documents": Count(9, 3, {"url": 2, "near": 4}), "paragraphs": Count(20, 9, {"t": 2, "u": 4, GONE: 5}), "images": Count(7, 4, {"i": 3}),
    }  # fmt: skip
    assert all(c.missing() == 0 for c in said.values())
    assert dedup.DedupStage().counts(w.ctx, {}, {}) == {"documents": Count(9), "paragraphs": Count(), "images": Count()}


def test_fetch():
    statuses = {
        "success": 5,
        "HTTP 404": 2,
        "timeout": 3,
        "opt-out: X-Robots-Tag noai": 4,
        "robots.txt disallows": 6,
        "robots.txt missing": 7,
    }
    said = fetch.FetchStage().counts(cast(StageContext, None), {}, {"wanted": 27, "statuses": statuses})
    assert said == {"image_urls": Count(27, 5, {str(Reason.IMAGE_NOT_FETCHED): 12, str(Reason.IMAGE_OPT_OUT): 10})}
    assert fetch.FetchStage().counts(cast(StageContext, None), {}, {}) == {"image_urls": Count()}


def test_score(tmp_path):
    urls = [*times({"status": "success"}, 9), *times({"status": "HTTP 404"}, 4)]
    images = [
        *times({"first_reason": ""}, 3),
        *times({"first_reason": "small"}, 2),
        *times({"first_reason": "nsfw"}, 2),
        *times({"first_reason": "small"}, 1),
    ]
    w = Written(tmp_path, urls=urls, images=images, dead=times({"id": "d"}, 1)).given("fetch")
    (said,) = score.ScoreStage().counts(w.ctx, w.tables, {}).values()
    assert said == Count(9, 3, {"small": 3, "nsfw": 2}, 1) and said.missing() == 0


def test_select(tmp_path):
    nodes = [
        *times({"kind": "text", "reason": ""}, 6), *times({"kind": "text", "reason": GONE}, 5), *times({"kind": "text", "reason": "other"}, 1),
        *times({"kind": "image", "reason": ""}, 2), *times({"kind": "image", "reason": "pair"}, 3),
    ]  # fmt: skip
    w = Written(tmp_path, selected=[*times({"reason": ""}, 3), *times({"reason": "few"}, 2)], node_decisions=nodes)
    w.given("dedup", documents=Count(9, 5), paragraphs=Count(20, 8), images=Count(6, 5))
    said = select.SelectStage().counts(w.ctx, w.tables, {"ends": {"kept": 2, "dropped": 2}})
    assert said == {
        "documents": Count(5, 3, {"few": 2}),
        "paragraphs": Count(8, 4, {GONE: 3, "other": 1}),
        "images": Count(5, 2, {"pair": 3}),
    }
    assert all(c.missing() == 0 for c in said.values())
    said = select.SelectStage().counts(w.ctx, w.tables, {"ends": {"kept": 6, "dropped": 5}})["paragraphs"]
    assert said == Count(8, 0, {"other": 1})  # a reason that only marks went by is none
    assert select.SelectStage().facts(w.ctx, {"ends": {}, "cuts": {"all": "x"}}) == {"cuts": {"all": "x"}}


def test_pack(tmp_path):
    def selected(kept: bool, n_text: int, n_images: int) -> dict[str, Any]:
        return {"kept": kept, "n_text": n_text, "n_images": n_images}

    w = Written(
        tmp_path,
        selected=[*times(selected(True, 3, 2), 4), *times(selected(False, 9, 9), 2)],
        packed=[*times({"reason": ""}, 2), *times({"reason": "lost"}, 1), *times({"reason": "broken"}, 1), *times({"reason": ""}, 1)],
        index=times({"n_texts": 3, "n_images": 2}, 2),
        dead=times({"id": "d"}, 1),
    ).given("select")
    said = pack.PackStage().counts(w.ctx, w.tables, {"lost": {"paragraphs": 6, "images": 4}})
    assert said == {
        "documents": Count(4, 2, {"lost": 1, "broken": 1}),
        "paragraphs": Count(12, 6, {GONE: 6}),
        "images": Count(8, 4, {GONE: 3}, 1),
    }
    assert all(c.missing() == 0 for c in said.values())
    del w.tables["dead"]
    said = pack.PackStage().counts(w.ctx, w.tables, {})
    assert said["paragraphs"] == Count(12, 6) and said["images"] == Count(8, 4)  # and the frame says that six and four are missing
