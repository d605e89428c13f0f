"""Audit tables are written in id ranges: how many there are changes no row and no count."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

TABLES = ("documents", "nodes", "images", "pairs", "decisions")


def rows(run: Path, query: str) -> list[tuple]:
    return duckdb.sql(query.replace("AUDIT", str(run / "audit"))).fetchall()


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
