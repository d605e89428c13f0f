"""`weft bench chain` on a small generated archive, without peers; its rows from what arms say."""

from __future__ import annotations

import json

import pytest

from benchmarks import chain


def test_medians_over_rounds_and_passes_become_ratios_and_a_miss_shows() -> None:
    ours = [
        {"judged": [1.0, 2.0], "signatures": [2.0, 4.0], "kept": 40, "rss_mb": 200.0},
        {"judged": [3.0], "signatures": [4.0], "kept": 40, "rss_mb": 210.0},
    ]
    said = {
        "ours": ours,
        "datatrove": [{"judged": [100.0], "signatures": [80.0], "kept": 70, "rss_mb": 420.0}],
        "datatrove-fast": [{"judged": [60.0], "signatures": [70.0], "kept": 60, "rss_mb": 400.0}],
        "trafilatura": [{"judged": [12.0], "kept": 0, "rss_mb": 90.0}],
    }
    rows = {(r["case"], r["peer_name"]): r for r in chain.rows_of(said, 100)}
    judged = rows["WARC to judged documents", f"pages/CPU-s {chain.DATATROVE}"]
    assert (judged["ours"], judged["peer"], judged["ratio"], judged["floor_ratio"]) == (50.0, 1.0, 50.0, 25.0)
    assert judged["note"] == "100 real pages, kept 40 and 70"
    fast = rows["WARC to judged documents", f"pages/CPU-s {chain.DATATROVE_FAST}"]
    assert (fast["ratio"], fast["floor_ratio"]) == (30.0, 10.0)
    signed = rows["WARC to signatures", f"pages/CPU-s {chain.FAST}"]
    assert (signed["ours"], signed["peer"], signed["ratio"]) == (
        25.0,
        8.3,
        3.0,
    )  # the loop makes no signatures: its pages are read all the same
    assert rows["peak memory of the process and its child", f"MB {chain.DATATROVE}"]["ratio"] == 2.0


@pytest.mark.timeout(300)
def test_a_small_archive_goes_through_ours_and_the_floor(tmp_path, monkeypatch, capfd) -> None:
    from demo import build

    monkeypatch.delenv("WEFT_PEERS", raising=False)
    web = build(tmp_path, 50, 3)
    assert chain.main(json=True, warc=str(web.warcs[0]), every=2, rounds=1) == 0
    said = capfd.readouterr()
    rows = json.loads(said.out)
    assert [r["case"] for r in rows] == ["WARC to judged documents", "WARC to signatures"]
    assert all(r["ours"] > 0 and r["peer"] > 0 and r["peer_name"].endswith(chain.FLOOR) and r["peak_rss_mb"] > 0 for r in rows)
    assert "datatrove is not installed" in said.err and "trafilatura is not installed" in said.err
    kept = json.loads(next(line for line in said.err.splitlines() if line.startswith("ours: ")).removeprefix("ours: "))["kept"]
    assert kept > 0


def test_without_an_archive_it_says_what_is_missing(tmp_path, capsys) -> None:
    assert chain.main(data=str(tmp_path)) == 4
    assert "WEFT_DATA" in capsys.readouterr().err
