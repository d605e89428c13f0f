"""The trees of `boost.py` asked quickly, with the same answers to the last bit.

A model asks few distinct questions: some seven thresholds a feature. So each value is first replaced by its rank, the number of thresholds
of its feature that lie below it, and `value > threshold` becomes a comparison of bytes, of which a processor makes sixteen or more at a
time. Blocks are taken a tile at a time, so that the ranks of a tile stay in the first-level cache while all trees ask for them (markup/ranks.cpp).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from pipelines.web.dom.boost import Trees
from pipelines.web.markup import native

TILE: Final = 192  # blocks
DEEPEST: Final = 6  # levels of a tree; shallower trees are filled up with questions that are never answered yes
_TOGETHER: Final = 4  # trees whose leaves are added in one go, in their order
_NEVER: Final = 127  # a rank that no value exceeds


class Scale(NamedTuple):
    """The thresholds of several models, feature by feature: those of feature f are cuts[first[f]:first[f + 1]], ascending."""

    first: Any  # int32 (features + 1)
    cuts: Any  # float32

    def room(self, items: int) -> Any:
        """An array for the ranks of `items` items: int8 (tiles, features, TILE)."""
        return np.empty((-(-items // TILE), len(self.first) - 1, TILE), np.int8)

    def rank(self, columns: Any, start: int, room: Any) -> None:
        """Fill `room` for the features from `start` on with the ranks of `columns`, a float32 matrix of (features, items)."""
        _rank(columns, self.first, self.cuts, start, room)


class Ranked(NamedTuple):
    """One model: `ranks[feature[t, d]] > rank[t, d]` gives bit d of the leaf of tree t."""

    bias: float
    feature: Any  # uint32 (trees, DEEPEST)
    rank: Any  # int8 (trees, DEEPEST)
    leaf: Any  # float32 (trees, 2**depth)

    def log_odds(self, ranks: Any, items: int) -> Any:
        """Log-odds of `items` items from their ranks; every sum is taken tree by tree, as `Trees.log_odds` takes it."""
        out = np.full(items, self.bias, np.float32)
        _log_odds(ranks, self.feature, self.rank, self.leaf, out)
        return out


def ranked(models: Sequence[Trees]) -> tuple[Scale, tuple[Ranked, ...]]:
    """The models, which ask about the same matrix, on one scale."""
    count = len(models[0].names)
    asked: list[set[float]] = [set() for _ in range(count)]
    for m in models:
        for f, t in zip(m.feature.ravel().tolist(), m.threshold.ravel().tolist(), strict=True):
            asked[f].add(t)
    cuts = [np.array(sorted(a), np.float32) for a in asked]
    if max(map(len, cuts)) >= _NEVER:
        raise ValueError(f"more than {_NEVER - 1} thresholds of one feature")
    first = np.cumsum([0, *map(len, cuts)], dtype=np.int32)
    return Scale(first, np.concatenate(cuts)), tuple(_on(m, cuts) for m in models)


def _on(m: Trees, cuts: list[Any]) -> Ranked:
    trees, depth = m.feature.shape
    if depth > DEEPEST:
        raise ValueError(f"trees of {depth} levels: at most {DEEPEST} can be asked")
    feature, rank = np.zeros((trees, DEEPEST), np.uint32), np.full((trees, DEEPEST), _NEVER, np.int8)
    feature[:, :depth] = m.feature
    for t in range(trees):
        for d in range(depth):
            rank[t, d] = np.searchsorted(cuts[m.feature[t, d]], m.threshold[t, d])
    odd = ((0, -trees % _TOGETHER), (0, 0))  # trees that say nothing, to fill the last group
    return Ranked(m.bias, np.pad(feature, odd), np.pad(rank, odd, constant_values=_NEVER), np.pad(m.leaf, odd))


def _rank(x: Any, first: Any, cuts: Any, start: int, out: Any) -> None:
    rows, n = x.shape
    at, first_at, cuts_at, ranks = native.addresses(x, first, cuts, out)
    native.library().weft_rank(at, rows, n, first_at, cuts_at, start, out.shape[1], ranks)


def _log_odds(ranks: Any, feature: Any, rank: Any, leaf: Any, out: Any) -> None:
    trees, leaves = leaf.shape
    ranks_at, *tables, out_at = native.addresses(ranks, feature, rank, leaf, out)
    native.library().weft_log_odds(ranks_at, ranks.shape[1], *tables, leaves, trees, out_at, len(out))
