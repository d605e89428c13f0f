"""A trained model out of its run folder: recipe, adapters merged, newest weights."""

from __future__ import annotations

import os

from trainer import ckpt, freeze
from trainer.model.lora import merge
from trainer.model.vlm import VLM
from trainer.setup import model_of
from trainer.text import Bytes, Tokens, tokenizer
from trainer.why import recipe_of


def restore(out: str) -> tuple[VLM, Bytes | Tokens]:
    """Model (adapters merged) and tokenizer. FileNotFoundError if nothing was saved."""
    recipe = recipe_of(out)
    at = ckpt.newest(os.path.join(out, "checkpoints"))
    if at is None:
        raise FileNotFoundError(f"{out}: no finished checkpoint")
    tok = tokenizer(recipe.data.tokenizer)
    model = model_of(recipe, tok.vocab)
    for stage in recipe.stage[: ckpt.state(at)["stage"] + 1]:
        freeze.apply(model, stage.freeze)
    ckpt.load_model(at, model)
    return merge(model), tok
