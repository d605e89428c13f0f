"""The ten-minute benchmark: its verdict on made-up scores, and the whole of it at its smallest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import train as bench

SKILLS = {"count": 1 / 5, "colour": 1 / 8, "shape": 1 / 6, "relation": 1 / 2}


def arm(name: str, right: int, n: int = 150) -> dict:
    scores = {s: {"": [right, n]} for s in SKILLS}
    return {"arm": name, "scores": scores, "blind": scores}


@pytest.mark.parametrize(("curated", "uncurated", "good"), [(90, 60, True), (90, 85, False), (38, 20, False)])
def test_the_verdict_needs_distance_from_chance_and_from_uncurated(curated: int, uncurated: int, good: bool):
    rows, verdict = bench.verdict([arm("curated", curated), arm("uncurated", uncurated)])
    whole = [r for r in rows if r["skill"] == "all"]
    assert verdict is good and len(rows) == 10
    assert whole[0]["ours"] == round(curated / 150, 4) and whole[0]["peer"] == round(sum(SKILLS.values()) / 4, 4)
    assert all(r["low"] < r["ours"] < r["high"] for r in rows)


def test_exchanged_pictures_come_from_the_same_skill(tmp_path: Path):
    rows = [{"skill": s, "images": [f"{s}{i}.jpg"], "size": [i, i], "answer": i} for i in range(3) for s in ("a", "b")]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    out = [json.loads(x) for x in Path(bench.exchanged(str(tmp_path / "q.jsonl"))).read_text().splitlines()]
    assert sorted((r["skill"], r["answer"]) for r in out) == sorted((r["skill"], r["answer"]) for r in rows)
    assert all(r["images"] == [f"{r['skill']}{(r['answer'] + 1) % 3}.jpg"] and r["size"][0] == (r["answer"] + 1) % 3 for r in out)


@pytest.mark.slow
def test_it_runs_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture):
    """The pipeline twice over 50 pages, two trainings of three steps, eight questions: nothing is learnt, so it must say so (1)."""
    assert bench.main(str(tmp_path), pages=50, steps=3, asked=2, json=True) == 1
    *rows, about = json.loads(capsys.readouterr().out)
    assert len(rows) == 10 and not about["ok"] and [a["steps"] for a in about["arms"]] == [3, 3]
    assert all(a["tokens"] > 1500 and a["images"] > 20 for a in about["arms"])
