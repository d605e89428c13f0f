"""The conservation check asked question by question, on tables small enough to read: each kind of loss is named, and by its own question."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.report import balance
from pipelines.stage import ConservationError

S, N, B = pa.string(), pa.int64(), pa.bool_()
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "measures": {"doc_id": S, "url": S, "record": N, "row": N, "kept": B},
    "dedup": {"doc_id": S, "row": N, "kept": B},
    "selected": {"doc_id": S, "row": N, "kept": B},
    "packed": {"doc_id": S, "row": N, "kept": B},
    "wide_documents": {"doc_id": S, "url": S, "record": N},
    "nodes": {"doc_id": S, "url": S, "record": N, "index": N, "kind": S, "first_reason": S},
    "wide_nodes": {"doc_id": S, "url": S, "record": N, "index": N},
    "dedup_nodes": {"row": N, "index": N, "kept": B},
    "selected_nodes": {"row": N, "index": N},
    "placements": {"row": N, "index": N},
    "urls": {"image_id": S, "url": S, "status": S},
    "images": {"image_id": S, "url": S},
    "dead": {"id": S, "url": S},
}
# dropped by extract, by dedup, by select, by pack, and kept to the end; two captures of one page differ in their record
MEASURES = [("out", "u0", 0, -1, False), ("twin", "u1", 1, 0, True), ("poor", "u2", 2, 1, True), ("late", "u3", 3, 2, True), ("good", "u4", 4, 3, True), ("good", "u4", 5, 4, True)]  # fmt: skip
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "measures": MEASURES,
    "dedup": [("twin", 0, False), ("poor", 1, True), ("late", 2, True), ("good", 3, True), ("good", 4, False)],
    "selected": [("poor", 1, False), ("late", 2, True), ("good", 3, True)],
    "packed": [("late", 2, False), ("good", 3, True)],
    "wide_documents": [(d, u, r) for d, u, r, _, _ in MEASURES],
    # of the good page: a paragraph, a picture, one dropped by a rule of extract, one by dedup
    "nodes": [("out", "", 0, 0, "text", ""), ("poor", "", 2, 0, "text", ""), ("good", "", 4, 0, "text", ""), ("good", "p", 4, 1, "image", ""), ("good", "", 4, 2, "text", "rule"),
              ("good", "", 4, 3, "text", "")],
    "wide_nodes": [("out", "", 0, 0), ("poor", "", 2, 0), ("good", "", 4, 0), ("good", "p", 4, 1), ("good", "", 4, 2), ("good", "", 4, 3)],
    "dedup_nodes": [(3, 3, False), (3, 0, True)],
    "selected_nodes": [(1, 0), (3, 0), (3, 1)],
    "placements": [(3, 1)],
    "urls": [("a", "pa", "success"), ("b", "pb", "http 404"), ("c", "pc", "success"), ("d", "pd", "success")],
    "images": [("a", "pa")],
    "dead": [("c", ""), ("", "pd")],
}  # fmt: skip


def tables(**other: list[tuple[Any, ...]]) -> dict[str, pa.Table]:
    """The balanced tables, some with other rows."""
    out = {}
    for name, columns in COLUMNS.items():
        rows = other.get(name, ROWS[name])
        out[name] = pa.table({c: pa.array([r[i] for r in rows], t) for i, (c, t) in enumerate(columns.items())})
    return out


def without(name: str, *gone: tuple[Any, ...]) -> dict[str, list[tuple[Any, ...]]]:
    left = [r for r in ROWS[name] if r not in gone]
    assert len(left) == len(ROWS[name]) - len(gone)
    return {name: left}


def with_more(name: str, *more: tuple[Any, ...]) -> dict[str, list[tuple[Any, ...]]]:
    return {name: [*ROWS[name], *more]}


def test_books_that_balance_pass() -> None:
    balance.check_unit("00000", tables())
    balance.check_bucket("000", tables())
    balance.check_unit("00000", tables(**{name: [] for name in COLUMNS}))


LOST = [
    (without("dedup", ("good", 4, False)), "kept by extract, without a decision of dedup", r"good \(u4, at 4\)"),
    (without("selected", ("poor", 1, False)), "kept by dedup, without a decision of select", r"poor \(u2, at 1\)"),
    (without("packed", ("late", 2, False)), "kept by select, without a decision of pack", r"late \(u3, at 2\)"),
    (with_more("dedup", ("ghost", 9, False)), "dedup about documents that extract did not keep", r"ghost \(no URL, at 9\)"),
    (with_more("selected", ("twin", 0, False)), "select about documents that dedup did not keep", r"twin \(no URL, at 0\)"),
    (with_more("packed", ("poor", 1, False)), "packed that select did not keep", r"poor \(no URL, at 1\)"),
    (without("wide_documents", ("out", "u0", 0)), "extract measured and the audit tables lack", r"out \(u0, at 0\)"),
    (with_more("wide_documents", ("new", "u9", 9)), "extract measured and the audit tables lack or repeat", r"new \(u9, at 9\)"),
    (with_more("wide_documents", ("out", "u0", 0)), "extract measured and the audit tables lack or repeat", r"out \(u0, at 0\)"),
    (without("wide_nodes", ("good", "", 4, 2)), "nodes that extract found and the audit tables lack", r"good \(no URL, at 2\)"),
    (with_more("wide_nodes", ("good", "q", 4, 9)), "nodes that extract found and the audit tables lack or repeat", r"good \(q, at 9\)"),
    (with_more("wide_nodes", ("good", "p", 4, 1)), "nodes that extract found and the audit tables lack or repeat", r"good \(p, at 1\)"),
    (without("selected_nodes", (3, 0)), "still in play after dedup, without a decision of select", r"good \(no URL, at 0\)"),
    (without("selected_nodes", (1, 0)), "still in play after dedup, without a decision of select", r"poor \(no URL, at 0\)"),
    (without("dedup_nodes", (3, 3, False)), "still in play after dedup, without a decision of select", r"good \(no URL, at 3\)"),
    (without("placements", (3, 1)), "image nodes still in play after dedup that score did not place", r"good \(p, at 1\)"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "what", "who"), LOST)
def test_a_record_lost_or_made_up_is_named(rows: dict[str, list[tuple[Any, ...]]], what: str, who: str) -> None:
    with pytest.raises(ConservationError, match=rf"1 (documents|decisions of|nodes|image)?.*{what}.* in unit 00007: {who}\. This") as e:
        balance.check_unit("00007", tables(**rows))
    assert "..." not in str(e.value)


@pytest.mark.parametrize(
    ("rows", "what", "who"),
    [
        (with_more("urls", ("e", "pe", "success")), "fetched that score neither judged nor gave up", r"e \(pe, at 0\)"),
        (without("images", ("a", "pa")), "fetched that score neither judged nor gave up", r"a \(pa, at 0\)"),
        (without("dead", ("c", "")), "fetched that score neither judged nor gave up", r"c \(pc, at 0\)"),
        (without("dead", ("", "pd")), "fetched that score neither judged nor gave up", r"d \(pd, at 0\)"),
        (with_more("images", ("z", "pz")), "judged by score that fetch never answered for", r"z \(pz, at 0\)"),
    ],
)
def test_an_image_lost_or_made_up_is_named(rows: dict[str, list[tuple[Any, ...]]], what: str, who: str) -> None:
    with pytest.raises(ConservationError, match=rf"1 images {what}.* in bucket 003: {who}\. This"):
        balance.check_bucket("003", tables(**rows))


def test_of_many_the_first_three_are_named_in_order() -> None:
    more = [(f"ghost-{i}", 20 - i, False) for i in range(4)]
    with pytest.raises(
        ConservationError, match=r"4 decisions .*: ghost-0 \(no URL, at 20\), ghost-1 .*, ghost-2 \(no URL, at 18\), \.\.\.\. This"
    ):
        balance.check_unit("00000", tables(**with_more("dedup", *more)))
    with pytest.raises(ConservationError, match=r"3 decisions .*, ghost-2 \(no URL, at 18\)\. This"):
        balance.check_unit("00000", tables(**with_more("dedup", *more[:3])))


def test_a_long_address_is_cut() -> None:
    with pytest.raises(ConservationError, match=rf"good \({'x' * 200}, at 9\)"):
        balance.check_unit("00000", tables(**with_more("wide_nodes", ("good", "x" * 300, 4, 9))))


def difference(tmp_path: Path, packed: list[tuple[str, bool]], keys: list[list[str]]) -> str:
    """What is said of decisions of pack and the keys of its indexes."""
    files: dict[str, list[str]] = {"packed": [str(tmp_path / "packed.parquet")], "index": []}
    pq.write_table(
        pa.table({"doc_id": pa.array([d for d, _ in packed], S), "kept": pa.array([k for _, k in packed], B)}), files["packed"][0]
    )
    for i, some in enumerate(keys):
        files["index"].append(str(tmp_path / f"{i}.parquet"))
        pq.write_table(pa.table({"key": some, "other": some}), files["index"][-1])
    return balance.difference(SimpleNamespace(inputs={"pack": SimpleNamespace(paths=files.__getitem__)}))  # type: ignore[arg-type]


def test_the_difference_between_decisions_and_shards_is_said_by_document(tmp_path: Path) -> None:
    packed = [("a", True), ("b", True), ("c", False), ("d", True)]
    assert difference(tmp_path, packed, [["a", "b"], ["d"]]) == "the same documents, with other nodes"
    assert difference(tmp_path, packed, [["a"], ["d"]]) == "b not in a shard"
    assert difference(tmp_path, packed, [["a", "b", "c"], ["d"]]) == "c in a shard, but not kept"
    assert difference(tmp_path, packed, [["a", "b", "b"], ["d"]]) == "b in a shard, but not kept"
    assert difference(tmp_path, packed, [["x"]]) == "a not in a shard, b not in a shard, d not in a shard"  # three at most
    assert difference(tmp_path, [], []) == "the same documents, with other nodes"
