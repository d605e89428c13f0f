"""Audit tables are written in id ranges: how many there are changes no row and no count, nor do many units, whose files are gathered first."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

TABLES = ("documents", "nodes", "images", "pairs", "decisions")


def rows(run: Path, query: str) -> list[tuple]:
    return duckdb.sql(query.replace("AUDIT", str(run / "audit"))).fetchall()


def stage_folder(run: Path) -> Path:
    """Of the report stage that was run last."""
    return max((run / "stages" / "report").iterdir(), key=lambda p: p.stat().st_mtime)


@pytest.mark.xdist_group("audit")
def test_of_many_units_the_rows_are_gathered_first_and_nothing_else_changes(demo_run: Path, again, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.report import ranges

    asked: set[str] = set()
    read = ranges.read
    monkeypatch.setattr("pipelines.stages.report.FEW_UNITS", 1)
    monkeypatch.setattr("pipelines.stages.report.SMALL_RANGE", 90)
    monkeypatch.setattr(ranges, "read", lambda paths, n: read(paths, n) if asked.update(paths) is None else None)
    many = again(demo_run, [])
    for table in TABLES:
        query = f"SELECT * FROM 'AUDIT/{table}/*.parquet' ORDER BY ALL"
        assert rows(many, query) == rows(demo_run, query) != [], table
    # A range that opened the units' own files would be quadratic: only buckets, of which there are few, are read as they are.
    assert asked and all("work/gathered/" in p or "work/joined/images/" in p for p in asked)
    assert not (stage_folder(many) / "work").exists() and not (stage_folder(demo_run) / "work").exists()


@pytest.mark.xdist_group("audit")
def test_many_small_ranges_hold_the_same(demo_run: Path, again, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.stages.report.SMALL_RANGE", 90)
    many = again(demo_run, [])
    files = {run: sorted(p.name for p in (run / "audit" / "nodes").iterdir()) for run in (demo_run, many)}
    assert len(files[many]) > len(files[demo_run]) >= 1
    for table in TABLES:
        query = f"SELECT * FROM 'AUDIT/{table}/*.parquet' ORDER BY ALL"
        assert rows(many, query) == rows(demo_run, query) != [], table
        key = "image_id" if table == "images" else "doc_id"
        in_order = [r[0] for p in files[many] for r in rows(many, f"SELECT {key} FROM 'AUDIT/{table}/{p}'")]
        assert in_order == sorted(in_order), f"{table}: the files one after the other are not in id order"
    counted = (
        "SELECT kind, measure, bin, stage, reason, language, kept, sum(n)::BIGINT FROM 'AUDIT/rollups/*.parquet' GROUP BY ALL ORDER BY ALL"
    )
    assert rows(many, counted) == rows(demo_run, counted) != []
