"""Hugging Face checkpoints, both ways: Idefics2, Idefics3/SmolVLM and IDEFICS folders (config.json + safetensors).

Names differ and nothing else does; the patch embedding is a convolution there and a Linear over flattened patches here.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from trainer import hf_idefics
from trainer.config import Connector, Decoder, Model, Vision
from trainer.model.lora import Lora
from trainer.model.vlm import VLM

# ours -> theirs, tried in order; {n} is a layer number
NAMES = [
    (r"vision\.patch\.", "model.vision_model.embeddings.patch_embedding."),
    (r"vision\.position\.", "model.vision_model.embeddings.position_embedding."),
    (r"vision\.layers\.(\d+)\.norm(\d)\.", r"model.vision_model.encoder.layers.\1.layer_norm\2."),
    (r"vision\.layers\.(\d+)\.o\.", r"model.vision_model.encoder.layers.\1.self_attn.out_proj."),
    (r"vision\.layers\.(\d+)\.([qkv])\.", r"model.vision_model.encoder.layers.\1.self_attn.\2_proj."),
    (r"vision\.layers\.(\d+)\.(fc\d)\.", r"model.vision_model.encoder.layers.\1.mlp.\2."),
    (r"vision\.norm\.", "model.vision_model.post_layernorm."),
    (r"connector\.projection\.(gate|up|down)\.", r"model.connector.modality_projection.\1_proj."),
    (r"connector\.projection\.", "model.connector.modality_projection.proj."),
    (r"connector\.latents", "model.connector.perceiver_resampler.latents"),
    (r"connector\.layers\.(\d+)\.(latents|context)_norm\.", r"model.connector.perceiver_resampler.layers.\1.input_\2_norm."),
    (r"connector\.layers\.(\d+)\.norm\.", r"model.connector.perceiver_resampler.layers.\1.post_attention_layernorm."),
    (r"connector\.layers\.(\d+)\.([qkvo])\.", r"model.connector.perceiver_resampler.layers.\1.self_attn.\2_proj."),
    (r"connector\.layers\.(\d+)\.mlp\.(\w+)\.", r"model.connector.perceiver_resampler.layers.\1.mlp.\2_proj."),
    (r"connector\.norm\.", "model.connector.perceiver_resampler.norm."),
    (r"embed\.", "model.text_model.embed_tokens."),
    (r"layers\.(\d+)\.norm1\.", r"model.text_model.layers.\1.input_layernorm."),
    (r"layers\.(\d+)\.norm2\.", r"model.text_model.layers.\1.post_attention_layernorm."),
    (r"layers\.(\d+)\.attention\.([qkvo])\.", r"model.text_model.layers.\1.self_attn.\2_proj."),
    (r"layers\.(\d+)\.mlp\.(\w+)\.", r"model.text_model.layers.\1.mlp.\2_proj."),
    (r"norm\.", "model.text_model.norm."),
    (r"head\.", "lm_head."),
]


def theirs(name: str, c: Model) -> str:
    """HF's name of our parameter. KeyError if it has none."""
    for ours, other in hf_idefics.NAMES if c.vision.kind == "clip" else NAMES:
        if m := re.match(ours, name):
            return m.expand(other) + name[m.end() :]
    raise KeyError(f"{name!r} has no place in Hugging Face's classes")


def model_config(raw: dict[str, Any]) -> Model:
    """Our model for a config.json of Idefics2, Idefics3, SmolVLM or IDEFICS. ValueError for another, or for what we do not compute."""
    kind = raw.get("model_type")
    if kind == "idefics":
        return hf_idefics.model_config(raw)
    if kind not in ("idefics2", "idefics3", "smolvlm"):
        raise ValueError(f"model_type {kind!r}: only idefics, idefics2, idefics3 and smolvlm can be imported")
    decoder = decoder_of(raw["text_config"], bool(raw.get("tie_word_embeddings", False)))
    vision = replace(vision_of(raw["vision_config"]), hf_buckets=True)
    if kind == "idefics2":
        p = raw["perceiver_config"]
        connector = Connector(
            kind="perceiver", latents=p["resampler_n_latents"], depth=p["resampler_depth"], heads=p["resampler_n_heads"],
            kv_heads=p["num_key_value_heads"], head_dim=p["resampler_head_dim"], eps=p.get("rms_norm_eps", 1e-6),
        )  # fmt: skip
    else:
        connector = Connector(kind="shuffle", factor=raw["scale_factor"])
    return Model(vision=vision, connector=connector, decoder=decoder)


def decoder_of(t: dict[str, Any], tie: bool) -> Decoder:
    """Our decoder for a config of Llama or Mistral. ValueError for what we do not compute."""
    if t.get("sliding_window") or t.get("attention_bias") or t.get("mlp_bias"):
        raise ValueError("sliding windows and biases in the decoder are not supported")
    rope = t.get("rope_parameters") or {"rope_theta": t.get("rope_theta", 10000.0), **(t.get("rope_scaling") or {})}
    if rope.get("rope_type", rope.get("type", "default")) != "default":
        raise ValueError(f"rotary scaling {rope!r} is not supported")
    if t.get("hidden_act", "silu") != "silu":
        raise ValueError("only silu is supported in the decoder")
    heads, width = t["num_attention_heads"], t["hidden_size"]
    return Decoder(
        width=width, depth=t["num_hidden_layers"], heads=heads, kv_heads=t.get("num_key_value_heads") or heads,
        head_dim=t.get("head_dim") or width // heads, mlp=t["intermediate_size"], vocab=t["vocab_size"], rope=float(rope["rope_theta"]),
        eps=t["rms_norm_eps"], tie=tie,
    )  # fmt: skip


def vision_of(v: dict[str, Any]) -> Vision:
    """Our tower for a vision config of SigLIP's kind. ValueError for what we do not compute."""
    if v.get("hidden_act", "gelu_pytorch_tanh") != "gelu_pytorch_tanh":
        raise ValueError("only gelu_pytorch_tanh is supported in the tower")
    return Vision(
        width=v["hidden_size"], depth=v["num_hidden_layers"], heads=v["num_attention_heads"], mlp=v["intermediate_size"],
        patch=v["patch_size"], positions=v["image_size"] // v["patch_size"], eps=v.get("layer_norm_eps", 1e-6),
    )  # fmt: skip


def import_weights(config: dict[str, Any], weights: dict[str, torch.Tensor]) -> VLM:
    """Our model with HF's weights. Raises ValueError if a tensor is missing, is left over, or has another shape."""
    model = VLM(model_config(config))
    weights = hf_idefics.join_added(weights)
    left = set(weights)
    with torch.no_grad():
        for name, p in model.named_parameters():
            other = theirs(name, model.c)
            if other not in weights:
                raise ValueError(f"the checkpoint lacks {other} (ours: {name})")
            value = weights[other]
            if value.ndim == 4:
                value = value.flatten(1)
            if value.numel() == p.numel() and value.squeeze().shape == p.shape:
                value = value.reshape(p.shape)  # gates are (1, 1, width) there
            if value.shape != p.shape:
                raise ValueError(f"{other} has shape {tuple(value.shape)}, the configuration says {tuple(p.shape)}")
            p.copy_(value)
            left.discard(other)
    if model.c.decoder.tie:
        left.discard("lm_head.weight")
    if left:
        raise ValueError(f"{len(left)} tensors of the checkpoint have no place here, such as {min(left)}")
    return model


def import_folder(folder: str) -> VLM:
    """Read config.json and every *.safetensors that the folder (or its index) names."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    return import_weights(config, read_weights(folder))


def read_weights(folder: str) -> dict[str, torch.Tensor]:
    """All tensors of a folder, from one file or from those that its index names."""
    index = os.path.join(folder, "model.safetensors.index.json")
    files = ["model.safetensors"]
    if os.path.exists(index):
        with open(index, encoding="utf-8") as f:
            files = sorted(set(json.load(f)["weight_map"].values()))
    weights: dict[str, torch.Tensor] = {}
    for file in files:
        weights |= load_file(os.path.join(folder, os.path.basename(file)))
    return weights


def export_weights(model: VLM) -> dict[str, torch.Tensor]:
    """State dict by HF's names. Adapters must have been merged (trainer.model.lora.merge)."""
    if any(isinstance(m, Lora) for m in model.modules()):
        raise ValueError("the model still has adapters: merge them before exporting")
    out, c = {}, model.c
    for name, value in model.named_parameters():
        v = value.detach().cpu().contiguous()
        if name == "vision.patch.weight":
            v = v.reshape(-1, 3, c.vision.patch, c.vision.patch)
        elif c.cross_gate == "vector" and name.endswith((".alpha", ".beta")):
            v = v[None, None]
        out[theirs(name, c)] = v
    return hf_idefics.split_added(out, c.decoder.added)


def export_config(model: VLM, image_token: int) -> dict[str, Any]:
    """config.json for the model: idefics2 (perceiver), idefics3 (shuffle), idefics. ValueError for designs HF has no class for."""
    c = model.c
    if c.vision.kind == "clip":
        return hf_idefics.export_config(c)
    if c.fusion != "ar" or c.connector.kind not in ("perceiver", "shuffle"):
        raise ValueError(f"Hugging Face has no class for fusion {c.fusion!r} with connector {c.connector.kind!r}")
    d, v, k = c.decoder, c.vision, c.connector
    idefics2 = k.kind == "perceiver"
    out: dict[str, Any] = {
        "model_type": "idefics2" if idefics2 else "idefics3", "architectures": [f"Idefics{2 if idefics2 else 3}ForConditionalGeneration"],
        "image_token_id": image_token, "tie_word_embeddings": d.tie,
        "text_config": {
            "model_type": "mistral" if idefics2 else "llama", "hidden_size": d.width, "num_hidden_layers": d.depth,
            "num_attention_heads": d.heads, "num_key_value_heads": d.kv_heads, "head_dim": d.head_dim, "intermediate_size": d.mlp,
            "vocab_size": d.vocab, "rms_norm_eps": d.eps, "rope_parameters": {"rope_theta": d.rope, "rope_type": "default"},
            "rope_theta": d.rope, "sliding_window": None, "tie_word_embeddings": d.tie,
        },
        "vision_config": {
            "model_type": "idefics2_vision" if idefics2 else "idefics3_vision", "hidden_size": v.width, "num_hidden_layers": v.depth,
            "num_attention_heads": v.heads, "intermediate_size": v.mlp, "patch_size": v.patch, "image_size": v.patch * v.positions,
            "layer_norm_eps": v.eps, "hidden_act": "gelu_pytorch_tanh",
        },
    }  # fmt: skip
    if idefics2:
        if k.mlp and k.mlp != d.mlp:
            raise ValueError("Idefics2's modality projection has the decoder's hidden size")
        out["perceiver_config"] = {
            "resampler_n_latents": k.latents, "resampler_depth": k.depth, "resampler_n_heads": k.heads, "resampler_head_dim": k.head_dim,
            "num_key_value_heads": k.kv_heads, "hidden_size": d.width, "rms_norm_eps": k.eps,
        }  # fmt: skip
    else:
        out["scale_factor"] = k.factor
    return out


def export_folder(model: VLM, folder: str, image_token: int) -> None:
    """Write a folder that `from_pretrained` reads. ValueError, and nothing written, for a model that has no class there."""
    config, weights = export_config(model, image_token), export_weights(model)
    os.makedirs(folder, exist_ok=True)
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
