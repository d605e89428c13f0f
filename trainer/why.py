"""Which documents made up a past step: the plan is a pure function, so nothing had to be logged."""

from __future__ import annotations

import json
import os

from trainer.config import Recipe, build
from trainer.setup import Corpus


def recipe_of(out: str) -> Recipe:
    """The resolved recipe of a training run."""
    file = os.path.join(out, "recipe.json")
    with open(file, encoding="utf-8") as f:
        return build(Recipe, json.load(f), file)


def why(out: str, step: int) -> list[dict]:
    """Documents of a step (from 1), in the order of its packs. ValueError if the recipe has no such step."""
    recipe = recipe_of(out)
    begins = 0
    for number, stage in enumerate(recipe.stage):
        if begins < step <= begins + stage.steps:
            corpus = Corpus(recipe)
            plan = corpus.plan(stage, number)
            local, rows = step - begins - 1, []
            for g in range(local * stage.packs, (local + 1) * stage.packs):
                for s in plan[g].spans:
                    e = corpus.indexes[s.source].entries[s.doc]
                    rows.append(
                        {"pack": g, "epoch": plan[g].epoch, "source": corpus.indexes[s.source].name, "key": e.key, "file": e.file,
                         "offset": e.offset, "nodes": [s.first, s.last], "tokens": s.tokens}
                    )  # fmt: skip
            return rows
        begins += stage.steps
    raise ValueError(f"step {step} is not among the recipe's {begins} steps")
