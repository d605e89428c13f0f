"""weft plan against the run that follows it: counts and bytes, for clocks lie on a busy machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demo import build
from demo.server import serve
from pipelines.settings.config import dump
from weft.main import main
from weft.verbs.demo import at_server, demo_config


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    built = build(folder / "web", 400, 3)
    with serve(built) as server:
        own = ["input.unit_bytes=131072"]
        config = at_server(demo_config([str(w) for w in built.warcs], 1, own), server.port)
        (folder / "my.toml").write_text(dump(config), encoding="utf-8")
        yield folder


def told(capsys) -> dict:
    return json.loads(capsys.readouterr().out)


def test_the_estimate_is_near_what_the_run_finds(web: Path, capsys) -> None:
    config, out = str(web / "my.toml"), str(web / "run")
    assert main(["plan", config, "-o", out, "--whole", "--json", "--samples", "6", "--sample-bytes", "65536"]) == 0
    plan = told(capsys)
    assert not Path(out).exists(), "planning must leave no run behind"
    assert main(["run", config, "-o", out, "--json"]) == 0
    stages = told(capsys)["stages"]
    estimate = plan["estimate"]
    by_stage = {s["stage"]: s for s in estimate["stages"]}
    assert list(by_stage) == list(stages) and set(plan["stages"].values()) == {"run"}
    assert estimate["pages"] == pytest.approx(stages["extract"]["counts"]["documents"]["entered"], rel=0.2)
    found = {
        (name, kind): stages[name]["counts"][kind]["kept"]
        for name, kind in (("extract", "documents"), ("dedup", "documents"), ("fetch", "image_urls"), ("pack", "documents"))
    }
    ratios = {key: by_stage[key[0]]["kept"][key[1]] / n for key, n in found.items()}
    assert ratios.pop(("extract", "documents")) == pytest.approx(1, rel=0.2)
    assert all(0.85 < r < 1.5 for r in ratios.values()), ratios  # a sample meets fewer duplicates than the whole holds
    assert all(s["cpu_seconds"] > 0 for s in by_stage.values()) and estimate["error"] >= 0.15 and estimate["gpu_hours"] == 0
    assert estimate["cost"] == pytest.approx(estimate["cpu_hours"] * 0.04)
    assert main(["plan", config, "-o", out, "--whole", "--json"]) == 0
    after = told(capsys)
    assert set(after["stages"].values()) == {"skip: done"} and "estimate" not in after


def test_without_whole_nobody_is_asked_for_pictures(web: Path, capsys) -> None:
    before = (web / "web" / "requests.jsonl").stat().st_size
    assert main(["plan", str(web / "my.toml"), "-o", str(web / "other"), "--samples", "2", "--sample-bytes", "65536"]) == 0
    said = capsys.readouterr()
    assert "weft plan --whole" in said.err and "extract: " in said.err and "dedup  " in said.out
    assert (web / "web" / "requests.jsonl").stat().st_size == before


def test_no_piece_can_be_had(web: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "x.warc.bz2").write_bytes(b"BZh9")
    assert main(["plan", str(web / "my.toml"), str(tmp_path / "x.warc.bz2"), "-o", str(tmp_path / "run")]) == 0
    assert "no estimate: no archive here can be read in pieces" in capsys.readouterr().err
