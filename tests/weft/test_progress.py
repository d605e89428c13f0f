"""Progress from receipts: rate, time left, yield; also for a stage that was resumed, and with receipts that are being written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines import storage
from pipelines.settings.config import Config
from pipelines.so_far import SoFar
from pipelines.stage import StageContext
from weft import progress
from weft.progress import Pace, Progress


def receipt(root: Path, part: str, records: int, documents: int) -> None:
    tables = [["documents", {"path": f"documents/{part}.parquet", "rows": documents, "bytes": 1, "sha256": ""}]]
    body = {"tables": tables, "facts": {"records": records, "pages": {"html": records}}}
    storage.write_bytes(str(root / "parts" / "unit" / f"{part}.json"), json.dumps(body).encode())


@pytest.fixture
def ctx(tmp_path: Path) -> StageContext:
    return StageContext(str(tmp_path), str(tmp_path / "extract"), Config(), {}, {"unit": tuple(f"{i:05d}" for i in range(10))})


def test_sums_are_of_each_receipt_once(ctx: StageContext) -> None:
    root = Path(ctx.root)
    found = SoFar(ctx.root)
    assert found.look().parts == 0
    receipt(root, "00000", 100, 40)
    (root / "parts" / "unit" / "00001.json").write_text('{"tables": [["documents"')  # still being written, on a store without renames
    (root / "parts" / "unit" / ".00002.json.tmp").write_text("{")
    assert found.look().look().parts == 1 and found.rows == {"documents": 40}
    receipt(root, "00001", 50, 5)
    assert found.look().facts == {"records": 150, "pages": {"html": 150}} and found.rows == {"documents": 45}


def test_pace_counts_only_what_was_done_here(ctx: StageContext, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    for i in range(4):
        receipt(Path(ctx.root), f"{i:05d}", 100, 40)
    pace = Pace("extract", ctx)
    assert (pace.done, pace.eta) == (4, None) and "left" not in pace.line()
    receipt(Path(ctx.root), "00004", 100, 20)
    receipt(Path(ctx.root), "00005", 100, 20)
    clock[0] += 60
    pace.look(every_s=100)
    assert pace.done == 4, "looked again too soon"
    pace.look(every_s=2)
    assert pace.eta == 120.0
    assert pace.line() == "extract: 6 of 10 parts in 1 min 0 s, 2 a minute, about 2 min 0 s left; 200 of 600 pages kept"


def test_json_lines_come_though_all_else_is_quiet(ctx: StageContext, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.1)
    with Progress(quiet=True, log_json=True) as p:
        p.starting("extract", ctx)
        receipt(Path(ctx.root), "00000", 100, 40)
        p._stop.wait(1.5)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["event"] == "starting" and lines[0]["parts"] == 10
    last = lines[-1]
    assert last["event"] == "progress" and last["done"] == 1 and last["so_far"] == "40 of 100 pages kept" and last["eta_seconds"] > 0


def test_who_waits_for_the_compiler_is_told(ctx: StageContext, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    for prepared in (False, True):
        monkeypatch.setattr(progress, "is_prepared", lambda: prepared)  # noqa: B023
        with Progress() as p:
            p.starting("extract", ctx)
            p.starting("dedup", ctx)
        assert ("half a minute" in capsys.readouterr().err) is not prepared


def test_quiet_is_quiet(ctx: StageContext, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.1)
    with Progress(quiet=True) as p:
        p.starting("extract", ctx)
        p._stop.wait(1.2)
    assert capsys.readouterr() == ("", "")


def test_parts_that_disagree_end_the_stage_and_not_its_progress(ctx: StageContext) -> None:
    for part, model in (("00000", "a"), ("00001", "b")):
        storage.write_bytes(f"{ctx.root}/parts/unit/{part}.json", json.dumps({"tables": [], "facts": {"model": model}}).encode())
    assert SoFar(ctx.root).look().parts == 2
