"""A SigLIP tower and a Llama or Mistral decoder from Hugging Face folders give Hugging Face's numbers inside our model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.support.tiny_vlm import config
from trainer.batch import Batch
from trainer.config import Data, Recipe, RecipeError, Run
from trainer.model.vlm import VLM
from trainer.setup import model_of


def drawn(model: torch.nn.Module, folder: Path) -> torch.nn.Module:
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn_like(p) * 0.1)
    model.eval().save_pretrained(folder)
    return model


def tower(folder: Path, whole: bool):
    t = pytest.importorskip("transformers")
    vision = {
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 40,
        "image_size": 56,
        "patch_size": 14,
    }
    if whole:  # as SigLIP is published: with its text side
        text = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 30}
        return drawn(t.SiglipModel(t.SiglipConfig(vision_config=vision, text_config=text)), folder).vision_model
    return drawn(t.SiglipVisionModel(t.SiglipVisionConfig(**vision)), folder)


def decoder(folder: Path, kind: str, tie: bool = False):
    t = pytest.importorskip("transformers")
    own = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
           "vocab_size": 250, "rms_norm_eps": 1e-5, "tie_word_embeddings": tie}  # fmt: skip
    c = t.MistralConfig(**own, sliding_window=None) if kind == "mistral" else t.LlamaConfig(**own)
    return drawn((t.MistralForCausalLM if kind == "mistral" else t.LlamaForCausalLM)(c), folder)


def ours(*folders: Path, **decoder_more) -> VLM:
    c = config()
    c = replace(c, backbones=tuple(map(str, folders)), decoder=replace(c.decoder, **decoder_more))
    return model_of(Recipe(data=Data(), model=c, run=Run()), 262).eval()


@torch.no_grad()
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(("kind", "tie"), [("llama", False), ("mistral", False), ("llama", True)])
def test_backbones_give_hugging_faces_numbers(tmp_path: Path, kind: str, tie: bool, whole: bool):
    torch.manual_seed(3)
    theirs, text = tower(tmp_path / "tower", whole), decoder(tmp_path / "text", kind, tie)
    m = ours(tmp_path / "tower", tmp_path / "text", tie=tie)
    pixels = torch.randint(0, 256, (3, 56, 56), dtype=torch.uint8)
    patches = pixels.reshape(3, 4, 14, 4, 14).permute(1, 3, 0, 2, 4).reshape(16, -1)
    want = theirs(pixel_values=pixels[None].float() / 127.5 - 1).last_hidden_state[0]
    torch.testing.assert_close(m.vision(patches, [(4, 4)]), want, rtol=0, atol=1e-5)
    ids = torch.randint(0, 250, (11,))
    empty = torch.zeros(0, 3 * 14 * 14, dtype=torch.uint8)
    b = Batch(ids, torch.arange(11), torch.full((11,), -100), [0, 11], empty, [], torch.zeros(0, dtype=torch.int64), [])
    got = m.logits(b)
    assert got.shape == (11, 262)  # our image and turn tokens come after theirs
    torch.testing.assert_close(got[:, :250], text(input_ids=ids[None]).logits[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_larger_position_table_is_interpolated(tmp_path: Path):
    theirs = tower(tmp_path / "tower", False)
    c = replace(config(), backbones=(str(tmp_path / "tower"),))
    c = replace(c, vision=replace(c.vision, positions=8))
    m = model_of(Recipe(model=c), 262)
    old = theirs.state_dict()
    old = next(v for k, v in old.items() if k.endswith("position_embedding.weight")).reshape(4, 4, -1)
    new = m.vision.position.weight.reshape(8, 8, -1)
    alike = torch.corrcoef(torch.stack([new.reshape(4, 2, 4, 2, -1).mean((1, 3)).flatten(), old.flatten()]))[0, 1]
    assert alike > 0.95  # each place keeps about its value


def test_sizes_that_differ_are_named(tmp_path: Path):
    decoder(tmp_path / "text", "llama")
    with pytest.raises(RecipeError, match=r"model\.decoder\.mlp = 48, the recipe says 64$"):
        ours(tmp_path / "text", mlp=64)
    (tmp_path / "text" / "config.json").write_text('{"model_type": "gpt2"}')
    with pytest.raises(RecipeError, match="'gpt2'; there are siglip"):
        ours(tmp_path / "text")
