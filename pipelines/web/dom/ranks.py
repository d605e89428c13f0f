"""The trees of `boost.py` asked quickly, with the same answers to the last bit.

A model asks few distinct questions: some seven thresholds a feature. So each value is first replaced by its rank, the number of thresholds
of its feature that lie below it, and `value > threshold` becomes a comparison of bytes, of which a processor makes sixteen or more at a
time. Blocks are taken a tile at a time, so that the ranks of a tile stay in the first-level cache while all trees ask for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom.boost import Trees

TILE: Final = 192  # blocks
DEEPEST: Final = 6  # levels of a tree; shallower trees are filled up with questions that are never answered yes
_STEP: Final = 32  # blocks are counted in such steps, so that the loops over bytes have no odd ends
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


@compiled
def _rank(x, first, cuts, start, out):  # type: ignore[no-untyped-def]
    n = x.shape[1]
    for tile in range(out.shape[0]):
        at, end = tile * TILE, min(n, (tile + 1) * TILE)
        for f in range(x.shape[0]):
            a, e = first[start + f], first[start + f + 1]
            if a == e:
                continue
            value, rank = x[f, at:end], out[tile, start + f]
            cut = cuts[a]
            for i in range(len(value)):
                rank[i] = value[i] > cut
            for k in range(a + 1, e):
                cut = cuts[k]
                for i in range(len(value)):
                    rank[i] += np.int8(value[i] > cut)


@compiled
def _log_odds(ranks, feature, rank, leaf, out):  # type: ignore[no-untyped-def]
    index = np.empty((_TOGETHER, TILE), np.uint8)
    no = np.uint8(0)
    for tile in range(ranks.shape[0]):
        of = ranks[tile]
        odds = out[tile * TILE : (tile + 1) * TILE]
        width = (len(odds) + _STEP - 1) // _STEP * _STEP
        for group in range(0, feature.shape[0], _TOGETHER):
            for k in range(_TOGETHER):
                f, r = feature[group + k], rank[group + k]
                a, b, c, d, e, g = of[f[0]], of[f[1]], of[f[2]], of[f[3]], of[f[4]], of[f[5]]
                p, q, s, t, u, v = r[0], r[1], r[2], r[3], r[4], r[5]
                here = index[k]
                for i in range(width):
                    here[i] = (
                        (np.uint8(1) if a[i] > p else no) | (np.uint8(2) if b[i] > q else no) | (np.uint8(4) if c[i] > s else no)
                        | (np.uint8(8) if d[i] > t else no) | (np.uint8(16) if e[i] > u else no) | (np.uint8(32) if g[i] > v else no)
                    )  # fmt: skip
            w, x, y, z = leaf[group], leaf[group + 1], leaf[group + 2], leaf[group + 3]
            i0, i1, i2, i3 = index[0], index[1], index[2], index[3]
            for i in range(len(odds)):
                odds[i] = odds[i] + w[i0[i]] + x[i1[i]] + y[i2[i]] + z[i3[i]]
