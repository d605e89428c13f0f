"""Every recipe builds at its full size without memory (meta device), and trains at a tiny one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from trainer import freeze
from trainer.config import load
from trainer.model.vlm import VLM
from trainer.setup import costs
from trainer.train import train

FILES = sorted((Path(__file__).resolve().parents[2] / "configs" / "recipes").glob("*.toml"))
SIZES = {"smol-256m": (0.20e9, 0.27e9), "idefics2-8b-stages": (8.2e9, 8.6e9), "mini-100m": (0.05e9, 0.11e9)}
TINY = (
    "model.vision.width=24", "model.vision.depth=1", "model.vision.heads=2", "model.vision.mlp=32", "model.vision.positions=4",
    "model.connector.latents=3", "model.connector.depth=1", "model.connector.heads=2", "model.connector.kv_heads=1", "model.connector.head_dim=8",
    "model.connector.mlp=16", "model.decoder.width=32", "model.decoder.depth=2", "model.decoder.heads=4", "model.decoder.kv_heads=2",
    "model.decoder.head_dim=8", "model.decoder.mlp=48", "model.compile=false", "stage.steps=2", "stage.packs=1", "stage.tokens=256",
    "stage.warmup=1", "run.save_every=0",
)  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_recipe_builds_at_its_full_size(file: Path):
    recipe = load(str(file), ["model.decoder.vocab=32003"])
    with torch.device("meta"):
        model = VLM(recipe.model)
        for stage in recipe.stage:
            ruled = freeze.apply(model, stage.freeze)
            assert freeze.groups(model, ruled, stage.decay)
            needed = costs(recipe.model, stage).image(4000, 4000)[1]
            assert needed <= stage.patches, "a pack holds the largest picture"
    low, high = SIZES.get(file.stem, (0, 9e9))
    assert low < sum(p.numel() for n, p in model.named_parameters() if not n.endswith((".a", ".b", ".magnitude"))) < high


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_a_recipe_trains_at_a_tiny_size(file: Path, small_run: Path, tmp_path: Path):
    source = f'{{path="{small_run}"}}'
    stages = load(str(file)).stage
    if all(stage.loss == "answers" for stage in stages):
        rows = [{"images": [], "texts": [{"user": f"what is {i}?", "assistant": "a number"}]} for i in range(40)]
        (tmp_path / "chats.jsonl").write_text("\n".join(map(json.dumps, rows)))
        source = f'{{path="{tmp_path / "chats.jsonl"}", kind="sft"}}'
    sources = [source]
    if any(stage.shares for stage in stages):
        sources = [f'{{name="{n}", path="{small_run}"}}' for n in ("documents", "pairs", "ocr")]
    recipe = load(str(file), [*TINY, f'run.out="{tmp_path / "out"}"', f"data.sources=[{', '.join(sources)}]"])
    result = train(recipe)
    assert result.steps == 2 * len(recipe.stage) and result.last_loss > 0
    trains = [json.loads(x)["trains"] for x in (tmp_path / "out" / "stages.jsonl").read_text().splitlines()]
    assert len(trains) == len(recipe.stage)


def test_the_gpu_benchmark_runs_on_a_cpu(capsys: pytest.CaptureFixture):
    pytest.importorskip("transformers")
    from benchmarks import gpu

    assert gpu.main(["--tiny", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 4 * 2 + 2 + 1
    assert all(r["tokens_per_s"] > 0 for r in rows) and sum("hf_fill" in r for r in rows) == 2
