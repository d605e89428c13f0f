"""The judge of blocks: two small tables of questions, read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.web.dom import boost, features


@cache
def tables() -> dict[str, boost.Trees]:
    """The fitted models by name: `first` look and `second` look."""
    data = json.loads(Path(__file__).with_name("model.json").read_text("utf-8"))
    names = features.NAMES + features.CONTEXT
    return {name: boost.load(value).placed(names) for name, value in data.items()}


def chances(measured: features.Measured) -> Any:
    """For every block the chance that it is main content: the mean of what the first look and the second say."""
    look = tables()
    first = logistic(look["first"].log_odds(measured.x))
    measured.look_around(first)
    return (first + logistic(look["second"].log_odds(measured.x))) / 2


def logistic(x: Any) -> Any:
    """Log-odds to chances."""
    return 1 / (1 + np.exp(-x))


def choose(p: Any, size: Any) -> Any:
    """Which blocks to keep: the threshold on `p` with the highest expected F1 of words, blocks holding `size` words each.

    Keeping the k likeliest blocks, the expected F1 is about 2*sum(p*size, kept) / (sum(size, kept) + sum(p*size, all)).
    """
    order = np.argsort(-p, kind="stable")
    held, chance = size[order], p[order]
    score = 2 * np.cumsum(held * chance) / (np.cumsum(held) + float((size * p).sum()) + 1e-9)
    return p >= chance[int(np.argmax(score))]
