"""What the report stage counts, and that it ends where its tables and the shards disagree."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.stage import ConservationError, StageContext
from pipelines.stages.report import ReportStage, _fates
from schemas.manifest import Count


def test_every_row_has_a_fate_and_one_without_a_reason_is_unexplained() -> None:
    rows = [(True, ""), (True, ""), (False, "document.empty"), (False, ""), (False, None), (False, "document.empty")]
    table = pa.table({"kept": [k for k, _ in rows], "first_reason": [r for _, r in rows]})
    assert _fates(table) == {"": 2, "document.empty": 2, "unexplained": 2}


def stage(tmp_path: Path, packed: dict[str, int]) -> StageContext:
    """Ten pages of which the tables keep two; the shards hold `packed`."""
    pq.write_table(pa.table({"doc_id": ["a", "b"], "kept": [True, True]}), tmp_path / "packed.parquet")
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "index.parquet")
    counts = {"documents": Count(12, 2, dead=2), "paragraphs": Count(30, 20), "images": Count(9, 5)}
    manifests: dict[str, Any] = {
        "extract": SimpleNamespace(counts=counts),
        "pack": SimpleNamespace(counts={k: Count(n, n) for k, n in packed.items()}),
        "fetch": SimpleNamespace(rows={"urls": 7}.__getitem__),
    }
    inputs = {name: SimpleNamespace(manifest=m, paths=lambda table: [str(tmp_path / f"{table}.parquet")]) for name, m in manifests.items()}
    return cast(StageContext, SimpleNamespace(inputs=inputs))


FATES = {"documents": {"": 2, "x": 8}, "paragraphs": {"": 6, "x": 24}, "images": {"": 3, "x": 6}, "image_urls": {"": 5, "y": 2}}


def test_counts_balance_against_extract_and_the_shards(tmp_path: Path) -> None:
    ctx = stage(tmp_path, {"documents": 2, "paragraphs": 6, "images": 3})
    counts = ReportStage().counts(ctx, {}, {"fates": FATES})
    assert counts == {"documents": Count(10, 2, {"x": 8}), "paragraphs": Count(30, 6, {"x": 24}), "images": Count(9, 3, {"x": 6}), "image_urls": Count(7, 5, {"y": 2})}  # fmt: skip
    assert all(c.missing() == 0 for c in counts.values())


@pytest.mark.parametrize("kind", ["documents", "paragraphs", "images"])
def test_shards_that_hold_another_number_end_the_run(kind: str, tmp_path: Path) -> None:
    held = {"documents": 2, "paragraphs": 6, "images": 3}
    held[kind] -= 1
    ctx = stage(tmp_path, held)
    with pytest.raises(
        ConservationError, match=rf"say {held[kind] + 1} {kind} were kept, the shards hold {held[kind]} \(b not in a shard\)"
    ):
        ReportStage().counts(ctx, {}, {"fates": FATES})
