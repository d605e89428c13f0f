"""Backbones trained apart, from Hugging Face folders: a SigLIP tower, or a decoder of the Llama and Mistral families, into a new model."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F

from trainer.config import RecipeError
from trainer.hf import decoder_of, read_weights, theirs, vision_of
from trainer.model.vlm import VLM

TOWERS = ("siglip", "siglip_vision_model")
DECODERS = ("llama", "mistral")
FREE = {"vision": ("positions", "hf_buckets"), "decoder": ("vocab", "added")}  # fields in which folder and recipe may differ


def load_backbone(model: VLM, folder: str) -> None:
    """Copy the folder's weights into the model's tower or decoder.

    A position table of another side is interpolated (bicubic); where our vocabulary is larger (image and turn tokens), the further rows
    stay as drawn. RecipeError where the recipe's sizes are not the folder's, naming each; ValueError for what we do not compute.
    """
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        raw: dict[str, Any] = json.load(f)
    kind = raw.get("model_type")
    if kind in TOWERS:
        part, found = "vision", vision_of(raw.get("vision_config", raw))
    elif kind in DECODERS:
        part, found = "decoder", decoder_of(raw, bool(raw.get("tie_word_embeddings", False)))
    else:
        raise RecipeError(
            f"model.backbones: {folder}: model_type {kind!r}; there are {', '.join(TOWERS + DECODERS)} (and model.init for whole models)"
        )
    _same(part, getattr(model.c, part), found, folder)
    weights = read_weights(folder)
    with torch.no_grad():
        for name, p in _parameters(model, part):
            other = theirs(name, model.c).replace("model.text_model.", "model.")
            if part == "vision":  # a tower saved alone has no prefix since transformers 5
                other = other.removeprefix("model." if other.removeprefix("model.") in weights else "model.vision_model.")
            if other not in weights:
                raise ValueError(f"{folder} lacks {other} (ours: {name})")
            _copy(name, p, weights[other], f"{folder}: {other}")


def _same(part: str, ours: Any, found: Any, folder: str) -> None:
    wrong = {
        f.name: getattr(found, f.name) for f in dataclasses.fields(found)
        if f.name not in FREE[part] and getattr(found, f.name) != getattr(ours, f.name)
    }  # fmt: skip
    if wrong:
        lines = "; ".join(f"model.{part}.{k} = {json.dumps(v)}, the recipe says {json.dumps(getattr(ours, k))}" for k, v in wrong.items())
        raise RecipeError(f"model.backbones: {folder} has {lines}")


def _parameters(model: VLM, part: str) -> Iterator[tuple[str, torch.nn.Parameter]]:
    starts = ("vision.",) if part == "vision" else ("embed.", "layers.", "norm.", "head.")
    return ((n, p) for n, p in model.named_parameters() if n.startswith(starts))


def _copy(name: str, p: torch.nn.Parameter, value: torch.Tensor, where: str) -> None:
    if value.ndim == 4:  # a convolution over patches: a Linear here
        value = value.flatten(1)
    if name == "vision.position.weight" and len(value) != len(p):
        side, wanted = (int(len(x) ** 0.5) for x in (value, p))
        square = value.float().T.reshape(1, -1, side, side)
        value = F.interpolate(square, (wanted, wanted), mode="bicubic", align_corners=False)[0].flatten(1).T
    if name in ("embed.weight", "head.weight") and len(value) <= len(p) and value.shape[1:] == p.shape[1:]:
        p[: len(value)].copy_(value)
        return
    if value.shape != p.shape:
        raise ValueError(f"{where} has shape {tuple(value.shape)}, the recipe says {tuple(p.shape)}")
    p.copy_(value)
