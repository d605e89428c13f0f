"""The page Performance is made of the files in benchmarks/results/."""

from __future__ import annotations

import json

import pytest

from benchmarks import results


def test_the_page_is_current():
    assert results.main(["--check"]) == 0, "run: python -m benchmarks.results"


def test_rows_become_a_table_and_a_miss_is_shown(tmp_path):
    rows = [
        {"case": "a", "ours": 1234.5, "peer": "other", "unit": "documents/s", "ratio": 2.5, "floor_ratio": 2.0},
        {"case": "b", "ours": 1.0, "peer": 2.0, "peer_name": "bare", "unit": "images/s", "ratio": 0.5, "floor_ratio": 0.8},
        {"case": "c", "ours": 3, "peer": None, "unit": "faults", "ratio": None, "floor_ratio": None, "note": "one seed"},
    ]  # fmt: skip
    path = results.save({"what": "fetch", "day": "2026-01-01", "machine": "m", "commit": "c", "rows": rows}, tmp_path)
    assert json.loads(path.read_text())["rows"] == rows
    said = results.page(results.stored(tmp_path))
    assert "| a | 1,234 documents/s | other | 2.5 | 2 | yes |" in said
    assert "| b | 1 images/s | 2 bare | 0.5 | 0.8 | **missed** |" in said
    assert "| c (one seed) | 3 faults |  |  |  |  |" in said


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        results.fill("no marks", "x")


def test_a_benchmark_that_prints_nothing_is_an_error(monkeypatch):
    with pytest.raises(RuntimeError, match="printed no JSON"):
        results.measure("no_such_benchmark")
