"""Arms end to end at the smallest size: run, kill, go on, page from the log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ablation import page, run
from ablation.arms import FINDINGS, arms
from ablation.assets import Assets, digest
from ablation.scale import SCALES


def seeded(folder: Path) -> Path:
    """Assets that the pipeline would make, made by hand: pages of the demo's own words, a picture each."""
    from demo import english
    from demo.captions import sentence
    from demo.render import encode, picture
    from demo.rng import Stream
    from demo.scenes import make

    scale = SCALES["smoke"]
    for key in ("uncurated", "curated"):
        out = folder / "assets" / f"web-{digest('web', scale.web)}" / key
        (out / "pictures").mkdir(parents=True)
        rows = []
        for i in range(30):
            draw, scene = Stream("test", i), make("test", i)
            (out / "pictures" / f"{i}.jpg").write_bytes(encode(picture(scene), "jpg"))
            texts = [None, sentence(scene, "en", draw), english.paragraph(draw)]
            rows.append(
                {
                    "texts": texts,
                    "images": [f"pictures/{i}.jpg", None, None],
                    "image_width": [scene.width, None, None],
                    "image_height": [scene.height, None, None],
                }
            )
        (out / "pages.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    folder = seeded(tmp_path_factory.mktemp("ablation"))
    lines = run.run(["4"], str(folder), "smoke", 1, 1, lambda _: None, steps=2)
    assert len(lines) == len(arms("4"))
    return folder


def test_every_arm_has_a_line_and_runs_once(finished: Path) -> None:
    lines = run.read(str(finished))
    assert {x["arm"] for x in lines} == {a.name for a in arms("4")} and all(x["steps"] == 2 for x in lines)
    for x in lines:
        assert x["loss"] > 0 and x["wall"] > 0 and x["gflop_a_step"] > 0 and 0 < x["trains"] < x["parameters"]
        assert {s: c[""][1] for s, c in x["scores"].items()} == dict.fromkeys(x["scores"], SCALES["smoke"].asked)
    before = (finished / "log.jsonl").read_bytes()
    again = run.run(["4"], str(finished), "smoke", 1, 1, lambda _: None, steps=2)
    assert (finished / "log.jsonl").read_bytes() == before and len(again) == len(lines)
    assert run.missing(["4"], str(finished), "smoke", 1) == 0 and run.missing(["4"], str(finished), "smoke", 2) > 0


def test_a_cut_line_is_run_again(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes((finished / "log.jsonl").read_bytes()[:-20])
    assert len(run.read(str(tmp_path))) == len(run.read(str(finished))) - 1


def test_page_is_made_from_the_log_alone(finished: Path, tmp_path: Path) -> None:
    out = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        files = page.write(str(finished / "log.jsonl"), str(tmp_path / name / "page.md"))
        out.append([Path(f).read_bytes() for f in files])
    assert out[0] == out[1]
    text = out[0][0].decode()
    assert all(a.name in text for a in arms("4")) and "Table 4" in text and "page/finding-4.svg" in text
    import xml.etree.ElementTree as ET

    ET.fromstring(out[0][1])
    lines = [json.loads(x) for x in (finished / "log.jsonl").read_text().splitlines()]
    lines[0]["scores"]["colour"][""][0] = SCALES["smoke"].asked
    (tmp_path / "changed.jsonl").write_text("".join(json.dumps(x) + "\n" for x in lines))
    page.write(str(tmp_path / "changed.jsonl"), str(tmp_path / "one" / "page.md"))
    assert (tmp_path / "one" / "page.md").read_text() != text, "the page does not follow the log"


def test_no_log_is_said_plainly(tmp_path: Path) -> None:
    from weft.main import main

    assert main(["ablate", "--page", str(tmp_path / "p.md"), "-o", str(tmp_path)]) == 2
    assert main(["ablate", "--finding", "9", "-o", str(tmp_path)]) == 2


KILLED = """
import sys
from ablation.assets import Assets
from ablation.run import _one, jobs
from ablation.scale import SCALES
scale = SCALES["smoke"]
_one((sys.argv[1], "smoke", jobs(["4"], 1, scale, Assets(sys.argv[1], scale).recipe_file())[0], 60, float("inf")))
"""


def test_killed_arm_goes_on_from_its_checkpoint(finished: Path, tmp_path: Path) -> None:
    """kill -9 after the first checkpoint; the second run trains only the rest and ends where an unbroken run ends."""
    import shutil

    for name in ("a", "b"):
        shutil.copytree(finished / "assets", tmp_path / name / "assets")
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    p = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "a")], env=env, stderr=subprocess.DEVNULL)
    until = time.time() + 250
    while time.time() < until and p.poll() is None and not (saved := list((tmp_path / "a").glob("arms/*/checkpoints/step-00000030"))):
        time.sleep(0.02)
    p.send_signal(signal.SIGKILL)
    assert p.wait() == -signal.SIGKILL and saved, "the arm was not caught half-way"
    rows = saved[0].parent.parent / "metrics.jsonl"
    early = rows.read_text().splitlines()[:30]
    scale = SCALES["smoke"]
    first = run.jobs(["4"], 1, scale, Assets(str(tmp_path), scale).recipe_file())[0]
    resumed = run._one((str(tmp_path / "a"), "smoke", first, 60, float("inf")))
    assert rows.read_text().splitlines()[:30] == early, "steps before the checkpoint were trained again"
    whole = run._one((str(tmp_path / "b"), "smoke", first, 60, float("inf")))
    assert resumed and whole and resumed["loss"] == whole["loss"] and resumed["scores"] == whole["scores"]


def test_equal_arms_are_trained_once() -> None:
    todo = run.jobs(FINDINGS, 3, SCALES["tiny"], Assets("x", SCALES["tiny"]).recipe_file())
    assert len({j.key for j in todo}) < len(todo)
    by = {(j.arm.finding, j.arm.name, j.seed): j.key for j in todo}
    assert by["2", "autoregressive, LoRA", 0] == by["4", "perceiver 16", 0] == by["1", "decoder long, tower long", 0]
    assert by["2", "autoregressive, LoRA", 0] != by["2", "autoregressive, LoRA", 1]


def test_every_claim_names_arms_that_exist() -> None:
    from ablation.claims import FINDINGS as CLAIMS

    assert set(CLAIMS) == set(FINDINGS)
    for key, f in CLAIMS.items():
        names = {a.name for a in arms(key)}
        assert {n for c in f.claims for n in (c.better, c.worse)} <= names, key


def test_every_arm_is_a_recipe() -> None:
    from trainer.config import load

    for scale in ("tiny", "mini"):
        assets = Assets("x", SCALES[scale])
        for j in run.jobs(FINDINGS, 1, SCALES[scale], assets.recipe_file()):
            recipe = load(assets.recipe_file(), run.overrides(j.arm, assets.base(), SCALES[scale], 0))
            assert recipe.stage[0].steps >= 2
