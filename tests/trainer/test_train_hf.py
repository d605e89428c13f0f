"""Hugging Face's models and ours give the same numbers, from the same weights, both ways."""

from __future__ import annotations

import pytest
import torch

from tests.support.tiny_vlm import IMAGE, document, model
from trainer.batch import Batch, join
from trainer.hf import export_config, export_folder, export_weights, import_folder, import_weights
from trainer.model.flamingo import MEAN, STD

TEXT = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "vocab_size": 262, "head_dim": 8, "rms_norm_eps": 1e-5, "pad_token_id": 0}  # fmt: skip
VISION = {"num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 40, "image_size": 56, "patch_size": 14}
CLASS = {"idefics": "IdeficsForVisionText2Text", "idefics2": "Idefics2ForConditionalGeneration",
         "idefics3": "Idefics3ForConditionalGeneration", "smolvlm": "SmolVLMForConditionalGeneration"}  # fmt: skip


def hf_model(kind: str, **more):
    """A tiny model of theirs, every parameter drawn anew (latents and gates too: their classes start them at one and zero)."""
    t = pytest.importorskip("transformers")
    torch.manual_seed(1)
    if kind == "idefics":
        perceiver = {"use_resampler": True, "resampler_n_latents": 3, "resampler_depth": 2, "resampler_n_heads": 2, "resampler_head_dim": 8,
                     "qk_layer_norms_perceiver": True}  # fmt: skip
        own = {k: v for k, v in TEXT.items() if k not in ("num_key_value_heads", "head_dim")} | {"vocab_size": 250}
        c = t.IdeficsConfig(
            **own, additional_vocab_size=12, use_resampler=True, cross_layer_interval=1, qk_layer_norms=True, alpha_type="vector",
            vision_config={"embed_dim": 24, **VISION}, perceiver_config=perceiver, **more,
        )  # fmt: skip
    elif kind == "idefics2":
        perceiver = {"resampler_n_latents": 3, "resampler_depth": 2, "resampler_n_heads": 2, "resampler_head_dim": 8,
                     "num_key_value_heads": 1, "hidden_size": 32}  # fmt: skip
        text = {"model_type": "mistral", "sliding_window": None, **TEXT}
        c = t.Idefics2Config(
            text_config=text, vision_config={"hidden_size": 24, **VISION}, perceiver_config=perceiver, image_token_id=IMAGE
        )
    else:
        c = getattr(t, "Idefics3Config" if kind == "idefics3" else "SmolVLMConfig")(
            text_config={"model_type": "llama", **TEXT}, vision_config={"hidden_size": 24, **VISION}, scale_factor=2, image_token_id=IMAGE
        )
    hf = getattr(t, CLASS[kind])(c)
    with torch.no_grad():
        for p in hf.parameters():
            p.copy_(torch.randn_like(p) * 0.1)
    return hf.eval()


def pixels(b: Batch, patch: int = 14) -> list[torch.Tensor]:
    """Each crop of the batch as (3, H, W) from 0 to 255."""
    out, at = [], 0
    for r, c in b.grids:
        cut = b.patches[at : at + r * c].float().reshape(r, c, 3, patch, patch)
        out.append(cut.permute(2, 0, 3, 1, 4).reshape(3, patch * r, patch * c))
        at += r * c
    return out


@torch.no_grad()
def their_logits(kind: str, hf, b: Batch) -> torch.Tensor:
    """HF's logits of one document: pictures padded to the largest, with a mask; for IDEFICS each token sees the latest picture."""
    ones = torch.ones_like(b.tokens)[None]
    crops = pixels(b)
    if kind == "idefics":
        mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))
        values = torch.stack([(c / 255 - mean) / std for c in crops])[None]
        seen = torch.zeros(1, len(b.tokens), len(crops), dtype=torch.long)
        for start, end, first, _ in b.runs:
            seen[0, start:end, first] = 1
        return hf(
            input_ids=b.tokens[None], attention_mask=ones, pixel_values=values, image_attention_mask=seen, interpolate_pos_encoding=True
        ).logits[0]
    h, w = max(c.shape[1] for c in crops), max(c.shape[2] for c in crops)
    values, mask = torch.zeros(1, len(crops), 3, h, w), torch.zeros(1, len(crops), h, w, dtype=torch.bool)
    for i, c in enumerate(crops):
        values[0, i, :, : c.shape[1], : c.shape[2]] = c / 127.5 - 1
        mask[0, i, : c.shape[1], : c.shape[2]] = True
    return hf(input_ids=b.tokens[None], attention_mask=ones, pixel_values=values, pixel_attention_mask=mask).logits[0]


# Pictures of several documents. Within one document Idefics2 pads to the largest; Idefics3's pixel shuffle knows squares only and IDEFICS
# one size a call: there, sizes differ between documents.
SIZES = {
    "idefics2": [[(2, 4), (4, 3), (1, 1)], [(3, 2)]], "idefics3": [[(4, 4), (4, 4)], [(2, 2)]], "smolvlm": [[(4, 4)], [(2, 2), (2, 2)]],
    "idefics": [[(4, 4), (4, 4)], [(2, 3)], [(5, 6), (5, 6)]],
}  # fmt: skip


@pytest.mark.parametrize("kind", list(CLASS))
def test_parity_both_ways(kind: str, tmp_path):
    transformers = pytest.importorskip("transformers")
    hf = hf_model(kind)
    ours = import_weights(hf.config.to_dict(), hf.state_dict()).eval()
    docs = [document(ours, 5 + i, grids) for i, grids in enumerate(SIZES[kind])]
    packed = join(docs)
    with torch.no_grad():
        got = ours.logits(packed)
    for b, a, e in zip(docs, packed.cu, packed.cu[1:], strict=False):
        assert (got[a:e] - their_logits(kind, hf, b)).abs().max() < 1e-5
    back = export_weights(ours)
    assert back.keys() == hf.state_dict().keys()
    assert all(torch.equal(v, hf.state_dict()[k]) for k, v in back.items())
    export_folder(ours, str(tmp_path), IMAGE)
    saved = "Idefics3ForConditionalGeneration" if kind == "smolvlm" else CLASS[kind]
    again = getattr(transformers, saved).from_pretrained(tmp_path).eval()
    for b in docs:
        torch.testing.assert_close(their_logits(kind, again, b), their_logits(kind, hf, b), rtol=0, atol=1e-6)
    assert import_folder(str(tmp_path)).c == ours.c


def test_packed_vision_is_padded_vision():
    """One row of patches against their padded tower: features of the real patches."""
    hf = hf_model("idefics2")
    ours = import_weights(hf.config.to_dict(), hf.state_dict()).eval()
    b = document(ours, 3, [(2, 4), (4, 3), (1, 1), (4, 4)])
    crops = pixels(b)
    values, mask = torch.zeros(4, 3, 56, 56), torch.zeros(4, 4, 4, dtype=torch.bool)
    for i, (c, (rows, cols)) in enumerate(zip(crops, b.grids, strict=True)):
        values[i, :, : c.shape[1], : c.shape[2]], mask[i, :rows, :cols] = c / 127.5 - 1, True
    with torch.no_grad():
        theirs = hf.model.vision_model(pixel_values=values, patch_attention_mask=mask).last_hidden_state
        got = ours.vision(b.patches, b.grids)
    torch.testing.assert_close(got, theirs[mask.flatten(1)], rtol=0, atol=1e-5)


def test_idefics_with_tied_tables():
    hf = hf_model("idefics", tie_word_embeddings=True)
    ours = import_weights(hf.config.to_dict(), hf.state_dict()).eval()
    b = document(ours, 9, [(4, 4)])
    with torch.no_grad():
        assert (ours.logits(b) - their_logits("idefics", hf, b)).abs().max() < 1e-5


def test_export_refuses_what_hf_has_no_class_for():
    with pytest.raises(ValueError, match="cross"):
        export_config(model("perceiver", "cross"), IMAGE)
    with pytest.raises(ValueError, match="model_type"):
        import_weights({"model_type": "llava"}, {})
    with pytest.raises(ValueError, match="resampler"):
        import_weights({"model_type": "idefics", "vision_config": {}, "use_resampler": False}, {})
