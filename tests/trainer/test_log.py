"""What the log says is what the reference page explains."""

import json
import sys

import pytest

from schemas import layout
from schemas.metrics import BAD_SAMPLES, TRAINING
from trainer.config import RecipeError
from trainer.train import train


def test_every_field_of_the_log_is_explained(tiny):
    recipe = tiny("stage.steps=2", "data.workers=0", out="log")
    train(recipe)
    with open(f"{recipe.run.out}/metrics.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    assert [r["step"] for r in rows] == [1, 2] and all(set(r) == set(TRAINING) for r in rows)
    assert all(0 < r["fill"] <= 1 and 0 <= r["wait"] <= 1 for r in rows)


@pytest.mark.parametrize(("setting", "package"), [("run.tensorboard=true", "tensorboard"), ('run.wandb="p"', "wandb")])
def test_a_missing_package_is_named_with_what_brings_it(tiny, monkeypatch, setting: str, package: str):
    monkeypatch.setitem(sys.modules, package, None)  # as if it were not installed
    with pytest.raises(RecipeError, match=rf'run\.{package} needs the package {package} .*pip install "weft\[log\]"'):
        train(tiny(setting, out="log"))


def test_every_field_of_a_bad_sample_is_explained(tiny, run_maker, tmp_path):
    hurt = run_maker(tmp_path / "hurt")
    tar = sorted((hurt / layout.SHARDS).glob("*.tar"))[0]
    data = bytearray(tar.read_bytes())
    start = data.find(b"\xff\xd8\xff")  # a JPEG's first bytes
    assert start > 0
    data[start : start + 3] = b"\0\0\0"
    tar.write_bytes(bytes(data))
    recipe = tiny(f'data.shards="{hurt}"', "stage.steps=4", "data.workers=0", out="bad")
    train(recipe)
    with open(f"{recipe.run.out}/bad.jsonl", encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    assert rows and all(set(r) <= set(BAD_SAMPLES) for r in rows)
