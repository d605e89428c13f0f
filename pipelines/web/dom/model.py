"""The judge of blocks: two small tables of questions, read once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import boost, context, features, ranks


@cache
def tables() -> dict[str, boost.Trees]:
    """The fitted models by name: `first` look and `second` look."""
    data = json.loads(Path(__file__).with_name("model.json").read_text("utf-8"))
    names = features.NAMES + context.NAMES
    return {name: boost.load(value).placed(names) for name, value in data.items()}


@cache
def _ranked() -> tuple[ranks.Scale, tuple[ranks.Ranked, ...]]:
    """The same models as they are asked: the first look, the second."""
    return ranks.ranked([tables()["first"], tables()["second"]])


def chances(measured: features.Measured) -> Any:
    """For every block the chance that it is main content: the mean of what the first look and the second say."""
    scale, (one, two) = _ranked()
    x, n, own = measured.x, measured.x.shape[1], len(features.NAMES)
    room = scale.room(n)
    scale.rank(x[:own], 0, room)
    first = logistic(one.log_odds(room, n))
    measured.look_around(first)
    scale.rank(x[own:], own, room)
    return (first + logistic(two.log_odds(room, n))) / 2


def logistic(x: Any) -> Any:
    """Log-odds to chances."""
    return 1 / (1 + np.exp(-x))


@compiled
def choose(p, size):  # type: ignore[no-untyped-def]
    """Which blocks to keep (bool array): the threshold on `p` with the highest expected F1 of words, blocks holding `size` words each.

    Keeping the k likeliest blocks, the expected F1 is about 2*sum(p*size, kept) / (sum(size, kept) + sum(p*size, all)).
    """
    expected = 1e-9
    for b in range(len(p)):
        expected += size[b] * p[b]
    held = right = 0.0
    best, threshold = -1.0, 0.0
    for b in np.argsort(-p):
        held += size[b]
        right += size[b] * p[b]
        if 2 * right / (held + expected) > best:
            best, threshold = 2 * right / (held + expected), p[b]
    return p >= threshold
