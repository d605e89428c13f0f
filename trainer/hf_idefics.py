"""IDEFICS (the first: CLIP tower, resampler, gated cross-attention) as Hugging Face writes it: names and configuration, both ways."""

from __future__ import annotations

from typing import Any

import torch

from trainer.config import Connector, Decoder, Model, Vision

NAMES = [
    (r"vision\.patch\.", "model.vision_model.embeddings.patch_embedding."),
    (r"vision\.cls", "model.vision_model.embeddings.class_embedding"),
    (r"vision\.position\.", "model.vision_model.embeddings.position_embedding."),
    (r"vision\.norm1\.", "model.vision_model.pre_layrnorm."),
    (r"vision\.norm\.", "model.vision_model.post_layernorm."),
    (r"vision\.layers\.(\d+)\.norm(\d)\.", r"model.vision_model.encoder.layers.\1.layer_norm\2."),
    (r"vision\.layers\.(\d+)\.o\.", r"model.vision_model.encoder.layers.\1.self_attn.out_proj."),
    (r"vision\.layers\.(\d+)\.([qkv])\.", r"model.vision_model.encoder.layers.\1.self_attn.\2_proj."),
    (r"vision\.layers\.(\d+)\.(fc\d)\.", r"model.vision_model.encoder.layers.\1.mlp.\2."),
    (r"connector\.latents", "model.perceiver_resampler.latents"),
    (r"connector\.layers\.(\d+)\.(latents|context)_norm\.", r"model.perceiver_resampler.blocks.\1.0.\2_layer_norm."),
    (r"connector\.layers\.(\d+)\.([qk])_norm\.", r"model.perceiver_resampler.blocks.\1.0.\2_layer_norm."),
    (r"connector\.layers\.(\d+)\.o\.", r"model.perceiver_resampler.blocks.\1.0.output_proj."),
    (r"connector\.layers\.(\d+)\.([qkv])\.", r"model.perceiver_resampler.blocks.\1.0.\2_proj."),
    (r"connector\.layers\.(\d+)\.norm\.", r"model.perceiver_resampler.blocks.\1.1.ln."),
    (r"connector\.layers\.(\d+)\.fc1\.", r"model.perceiver_resampler.blocks.\1.1.fc."),
    (r"connector\.layers\.(\d+)\.fc2\.", r"model.perceiver_resampler.blocks.\1.1.c_proj."),
    (r"connector\.norm\.", "model.perceiver_resampler.layer_norm."),
    (r"cross\.(\d+)\.norm\.", r"model.gated_cross_attn_layers.\1.input_layernorm."),
    (r"cross\.(\d+)\.norm2\.", r"model.gated_cross_attn_layers.\1.post_attention_layernorm."),
    (r"cross\.(\d+)\.([qk])_norm\.", r"model.gated_cross_attn_layers.\1.cross_attn.\2_layer_norm."),
    (r"cross\.(\d+)\.([qkvo])\.", r"model.gated_cross_attn_layers.\1.cross_attn.\2_proj."),
    (r"cross\.(\d+)\.mlp\.(\w+)\.", r"model.gated_cross_attn_layers.\1.mlp.\2_proj."),
    (r"cross\.(\d+)\.alpha", r"model.gated_cross_attn_layers.\1.alpha_cross_attn"),
    (r"cross\.(\d+)\.beta", r"model.gated_cross_attn_layers.\1.alpha_dense"),
    (r"embed\.", "model.embed_tokens."),
    (r"layers\.(\d+)\.norm1\.", r"model.layers.\1.input_layernorm."),
    (r"layers\.(\d+)\.norm2\.", r"model.layers.\1.post_attention_layernorm."),
    (r"layers\.(\d+)\.attention\.([qkvo])\.", r"model.layers.\1.self_attn.\2_proj."),
    (r"layers\.(\d+)\.mlp\.(\w+)\.", r"model.layers.\1.mlp.\2_proj."),
    (r"norm\.", "model.norm."),
    (r"head\.", "lm_head."),
]

# Tokens added to Llama's have tables of their own: joined on the way in, split on the way out.
SPLIT = {
    "model.embed_tokens.weight": "model.embed_tokens.additional_embedding.weight",
    "lm_head.weight": "lm_head.additional_fc.weight",
}  # fmt: skip


def join_added(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """One table where the files have two."""
    out = dict(weights)
    for name, more in SPLIT.items():
        if more in out:
            out[name] = torch.cat([out[name], out.pop(more)])
    return out


def split_added(weights: dict[str, torch.Tensor], added: int) -> dict[str, torch.Tensor]:
    out = dict(weights)
    for name, more in SPLIT.items():
        if added and name in out:
            out[name], out[more] = (x.contiguous() for x in out[name].split([len(out[name]) - added, added]))
    return out


def model_config(raw: dict[str, Any]) -> Model:
    """Our model for IDEFICS' config.json. ValueError for what we do not compute."""
    v, p = raw["vision_config"], raw.get("perceiver_config") or {}
    if not raw.get("use_resampler"):
        raise ValueError("IDEFICS without its resampler is not supported (use_resampler is false)")
    rope = raw.get("rope_parameters") or {"rope_theta": 10000.0}
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise ValueError(f"rotary scaling {rope!r} is not supported")
    if v.get("hidden_act", "gelu") != "gelu" or raw.get("hidden_act", "silu") != "silu":
        raise ValueError("only gelu (vision) and silu (decoder) are supported for IDEFICS")
    if raw["num_hidden_layers"] % raw["cross_layer_interval"]:
        raise ValueError(f"{raw['num_hidden_layers']} layers are no multiple of cross_layer_interval {raw['cross_layer_interval']}")
    heads, width, added = raw["num_attention_heads"], raw["hidden_size"], raw.get("additional_vocab_size", 0)
    decoder = Decoder(
        width=width, depth=raw["num_hidden_layers"], heads=heads, kv_heads=heads, head_dim=width // heads, mlp=raw["intermediate_size"],
        vocab=raw["vocab_size"] + added, rope=float(rope["rope_theta"]), eps=raw["rms_norm_eps"],
        tie=bool(raw.get("tie_word_embeddings", False)), added=added,
    )  # fmt: skip
    vision = Vision(
        kind="clip", width=v["embed_dim"], depth=v["num_hidden_layers"], heads=v["num_attention_heads"], mlp=v["intermediate_size"],
        patch=v["patch_size"], positions=v["image_size"] // v["patch_size"], eps=v.get("layer_norm_eps", 1e-5),
    )  # fmt: skip
    connector = Connector(
        kind="resampler", latents=p["resampler_n_latents"], depth=p["resampler_depth"], heads=p["resampler_n_heads"],
        kv_heads=p["resampler_n_heads"], head_dim=p["resampler_head_dim"], qk_norm=bool(p.get("qk_layer_norms_perceiver")),
    )  # fmt: skip
    return Model(
        fusion="cross", cross_every=raw["cross_layer_interval"], cross_gate=raw.get("alpha_type", "float"),
        cross_qk_norm=bool(raw.get("qk_layer_norms")), vision=vision, connector=connector, decoder=decoder,
    )  # fmt: skip


def export_config(c: Model) -> dict[str, Any]:
    """config.json of `IdeficsForVisionText2Text`. ValueError for a decoder that IDEFICS cannot have."""
    d, v, k = c.decoder, c.vision, c.connector
    if d.kv_heads != d.heads or d.head_dim * d.heads != d.width or d.depth % c.cross_every:
        raise ValueError("IDEFICS has as many key as query heads, heads that fill the width, and layers in whole intervals")
    return {
        "model_type": "idefics", "architectures": ["IdeficsForVisionText2Text"], "tie_word_embeddings": d.tie,
        "vocab_size": d.vocab - d.added, "additional_vocab_size": d.added, "hidden_size": d.width, "intermediate_size": d.mlp,
        "num_hidden_layers": d.depth, "num_attention_heads": d.heads, "rms_norm_eps": d.eps, "hidden_act": "silu",
        "rope_parameters": {"rope_theta": d.rope, "rope_type": "default"}, "cross_layer_interval": c.cross_every,
        "alpha_type": c.cross_gate, "qk_layer_norms": c.cross_qk_norm, "use_resampler": True,
        "vision_config": {
            "model_type": "idefics_vision", "embed_dim": v.width, "num_hidden_layers": v.depth, "num_attention_heads": v.heads,
            "intermediate_size": v.mlp, "patch_size": v.patch, "image_size": v.patch * v.positions, "layer_norm_eps": v.eps,
            "hidden_act": "gelu",
        },
        "perceiver_config": {
            "model_type": "idefics_perciever", "use_resampler": True, "resampler_n_latents": k.latents, "resampler_depth": k.depth,
            "resampler_n_heads": k.heads, "resampler_head_dim": k.head_dim, "qk_layer_norms_perceiver": k.qk_norm,
        },
    }  # fmt: skip
