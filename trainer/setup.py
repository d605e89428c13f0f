"""From a recipe to its parts: tokenizer, indexes, lengths, costs, plans, readers, model."""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from trainer.config import Model, Recipe, RecipeError, Source, Stage
from trainer.index import Index, read_index
from trainer.lengths import Length, measure
from trainer.model.vlm import VLM
from trainer.plan import Costs, Plan, SourcePlan
from trainer.read import Reader
from trainer.remote import ShardCache
from trainer.text import Bytes, Tokens, tokenizer


class Corpus:
    """Indexes and node lengths of a recipe's sources."""

    def __init__(self, recipe: Recipe):
        data = recipe.data
        given = data.sources or ((Source(path=data.shards),) if data.shards else ())
        if not given:
            raise RecipeError('no data: set data.shards = "RUN" or [[data.sources]]')
        self.recipe = recipe
        self.tok: Bytes | Tokens = tokenizer(data.tokenizer)
        cache = data.cache or os.path.join(recipe.run.out, "cache")
        self.shards = ShardCache(os.path.join(cache, "shards"), int(data.cache_gb * 1e9))
        self.sources = given
        self.indexes: list[Index] = [read_index(s.path, s.kind, data.split, s.name) for s in given]
        self.lengths: list[list[Length]] = []
        self.errors: dict[str, str] = {}
        for index in self.indexes:
            lengths, errors = measure(index, self.tok, cache, self.shards)
            self.lengths.append(lengths)
            self.errors.update(errors)

    def plan(self, stage: Stage, number: int = 0) -> Plan:
        unknown = sorted(set(stage.shares) - {s.name or s.path for s in self.sources})
        if unknown:
            raise RecipeError(f"stage {stage.name!r}: shares name {unknown[0]!r}, which is no source")
        sources = [
            SourcePlan(i.name, f"{i.hash}-{self.tok.hash}", lengths, stage.shares.get(i.name, s.share))
            for s, i, lengths in zip(self.sources, self.indexes, self.lengths, strict=True)
        ]
        r = self.recipe
        seed = r.run.seed + 1000 * number
        return Plan(sources, costs(r.model, stage), tokens=stage.tokens, patches=stage.patches, window=r.data.window, seed=seed)

    def reader(self, stage: Stage) -> Reader:
        cost, data = costs(self.recipe.model, stage), self.recipe.data
        return Reader(
            self.indexes, self.tok, cost, stage.tokens,
            loss=stage.loss, bad=data.bad, patches=stage.patches, memory=data.memory << 20, shards=self.shards,
        )  # fmt: skip


def costs(model: Model, stage: Stage) -> Costs:
    c = model.connector
    per_image = c.latents if c.kind in ("perceiver", "resampler") else 0
    return Costs(stage.images, model.vision.patch, per_image, c.factor if c.kind == "shuffle" else 1, model.fusion == "ar")


def load_part(model: VLM, file: str) -> None:
    """Weights of a Hugging Face folder, or of a file by our names, into the model. RecipeError naming what has no place or another shape."""
    if os.path.isdir(file):
        from trainer.hf_backbones import load_backbone

        return load_backbone(model, file)
    from safetensors.torch import load_file

    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in load_file(file).items():
            if name not in own or own[name].shape != value.shape:
                has = f"has shape {tuple(own[name].shape)}" if name in own else "is unknown"
                raise RecipeError(f"model.backbones: {file}: {name} of shape {tuple(value.shape)} {has} in this model")
            own[name].copy_(value)


def model_of(recipe: Recipe, vocab: int) -> VLM:
    """The recipe's model with weights drawn by its seed, or imported from `model.init`. float32 (float64 where asked)."""
    torch.manual_seed(recipe.run.seed)
    if recipe.model.init:
        from trainer.hf import import_folder

        model = import_folder(recipe.model.init)
    else:
        c = recipe.model
        model = VLM(replace(c, decoder=replace(c.decoder, vocab=c.decoder.vocab or vocab)))
        for file in c.backbones:
            load_part(model, file)
    if model.c.decoder.vocab < vocab:
        raise RecipeError(f"the tokenizer has {vocab} tokens, the model's table {model.c.decoder.vocab}")
    return model.to(torch.float64 if recipe.run.dtype == "float64" else torch.float32)
