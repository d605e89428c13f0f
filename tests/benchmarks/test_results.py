"""The pages Performance and Results and the README's table are made of the files in benchmarks/results/."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest

from benchmarks import cost, plot, results


def test_the_pages_are_current():
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


def test_headlines_are_the_named_rows_and_every_miss_and_parts_may_be_absent(tmp_path):
    assert results.headlines([]) == results.goals([]).partition("\n\n")[2]  # nothing measured: a table without rows
    fetch = [
        {"case": "bare loop, 512 connections", "ours": 3.0, "peer": 3.0, "unit": "images/s", "ratio": 1.0, "floor_ratio": 0.8},
        {"case": "bare loop, 1,024 connections", "ours": 3.0, "peer": 3.0, "unit": "images/s", "ratio": 1.0, "floor_ratio": 0.8},
        {
            "case": "img2dataset, 256 threads, 1,024 connections",
            "ours": 4.0,
            "peer": 1.0,
            "unit": "images/s",
            "ratio": 4.0,
            "floor_ratio": 5.0,
        },
    ]
    other = [
        {"case": "x", "ours": 1.0, "unit": "s", "ratio": 2.0, "floor_ratio": 1.0},
        {"case": "y", "ours": 1.0, "unit": "s", "ratio": 3.0, "floor_ratio": 1.0},
    ]
    for what, rows in (("fetch", fetch), ("brand new", other)):
        results.save({"what": what, "day": "d", "machine": "m", "commit": "c", "rows": rows}, tmp_path)
    said = results.headlines(results.stored(tmp_path)).splitlines()[2:]
    assert [x.split(" | ")[1] for x in said] == ["bare loop, 512 connections", "img2dataset, 256 threads, 1,024 connections", "x"]
    assert said[0].startswith("| Fetching |") and said[1].endswith("| 4 | 5 | **missed** |") and said[2].startswith("| brand new |")
    every = results.goals(results.stored(tmp_path))
    assert every.startswith("Of 5 goals that have been measured 4 are reached.") and len(every.splitlines()) == 2 + 2 + 5


def test_what_a_headline_names_was_measured():
    """A case that was renamed must not fall out of the README unnoticed."""
    for result in results.stored():
        cases = [r["case"] for r in result["rows"] if "case" in r]
        for start in results.HEADLINES.get(result["what"], ()):
            assert any(c.startswith(start) for c in cases), (result["what"], start)


def test_a_page_without_marks_is_refused():
    with pytest.raises(ValueError, match="lacks the marks"):
        results.fill("no marks", "x")


def test_a_benchmark_that_prints_nothing_is_an_error(monkeypatch):
    with pytest.raises(RuntimeError, match="printed no JSON"):
        results.measure("no_such_benchmark")


def test_plots_show_each_ratio_what_was_asked_and_what_was_missed():
    svg = plot.ratios("Speed & <size>", [plot.Ratio("a < b", 0.5, 0.8, True), plot.Ratio("much faster than another thing", 40.0)])
    assert ElementTree.fromstring(svg).find("{*}title").text == "Speed & <size>"
    dots = [(float(c.get("cx")), c.get("fill")) for c in ElementTree.fromstring(svg).findall(".//{*}circle")]
    assert dots[0][0] < dots[1][0] and dots[0][1] == "#ffffff" != dots[1][1]
    assert all(plot.LEFT <= x <= plot.WIDTH for x, _ in dots)


def test_the_curve_rises_with_its_numbers():
    svg = plot.lines("growth", "pages", [plot.Line("CPU s", [(1000, 36.0), (100000, 1400.0), (20000, 282.0)])])
    spots = [(float(c.get("cx")), float(c.get("cy"))) for c in ElementTree.fromstring(svg).findall(".//{*}circle")]
    assert spots == sorted(spots) and [y for _, y in spots] == sorted((y for _, y in spots), reverse=True)
    assert "1,400" in svg and "36" in svg


def test_the_cost_of_a_crawl_is_the_largest_run_scaled():
    run = {
        "case": "a million such pages",
        "stages": {"extract": 72.0, "score": 288.0},
        "pages": 20_000,
        "requests": 40_000,
        "run_bytes": 10**9,
        "fetched_bytes": 2 * 10**8,
    }
    said = cost.table({"rows": [{"case": "x"}, run]}, judged=100.0)
    assert "| extract | 1 | 3,000 h |" in said and "| score | 4 | 12,000 h |" in said and "| **all** | 5 | 15,000 h |" in said
    assert "| extract, real pages | 2.78 | 8,300 h |" in said
    assert "2 million requests for images, 10 GB fetched, 50 GB written" in said[-1] and "6 billion requests" in said[-1]
    assert cost.table({"rows": [{"case": "x"}]}, None) == []
