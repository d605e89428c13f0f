"""Oblivious decision trees: one question a level, so that a page's blocks are judged by loops without a branch.

Fitting is gradient boosting on the logistic loss with second-order leaves over quantile bins (Friedman 2001; the symmetric trees
of CatBoost, Prokhorenkova et al. 2018): a model is a table of questions and leaves that can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from filters.compiled import compiled


class Trees(NamedTuple):
    """`names[feature[t, d]] > threshold[t, d]` gives bit d of the leaf of tree t; the log-odds are `bias` plus the leaves."""

    names: tuple[str, ...]
    bias: float
    feature: Any  # int32 (trees, depth)
    threshold: Any  # float32 (trees, depth)
    leaf: Any  # float32 (trees, 2**depth)

    def log_odds(self, columns: Any) -> Any:
        """For a float32 matrix of (features, items), in the order of `names`."""
        out = np.full(columns.shape[1], self.bias, np.float32)
        _log_odds(columns, self.feature, self.threshold, self.leaf, out)
        return out

    def placed(self, names: Sequence[str]) -> Trees:
        """The same model for matrices that hold `names`, in that order."""
        at = np.array([names.index(n) for n in self.names], np.int32)
        return self._replace(names=tuple(names), feature=at[self.feature])

    def only_used(self) -> Trees:
        """The same model without the names that no question asks for."""
        used = sorted(set(self.feature.ravel().tolist()))
        place = np.zeros(len(self.names), np.int32)
        place[used] = np.arange(len(used))
        return self._replace(names=tuple(self.names[i] for i in used), feature=place[self.feature])


@compiled
def _log_odds(x, feature, threshold, leaf, out):  # type: ignore[no-untyped-def]
    n, depth = x.shape[1], feature.shape[1]
    index = np.empty(n, np.int32)
    for t in range(feature.shape[0]):
        column, cut = x[feature[t, 0]], threshold[t, 0]
        for i in range(n):
            index[i] = column[i] > cut
        for d in range(1, depth):
            column, cut, bit = x[feature[t, d]], threshold[t, d], np.int32(1 << d)
            for i in range(n):
                index[i] |= bit if column[i] > cut else np.int32(0)
        values = leaf[t]
        for i in range(n):
            out[i] += values[index[i]]


def dump(model: Trees) -> dict[str, Any]:
    return {
        "names": list(model.names), "bias": round(float(model.bias), 5), "feature": model.feature.tolist(),
        "threshold": [[float(f"{x:.5g}") for x in row] for row in model.threshold.tolist()],
        "leaf": [[round(x, 4) for x in row] for row in model.leaf.tolist()],
    }  # fmt: skip


def load(data: dict[str, Any]) -> Trees:
    return Trees(
        tuple(data["names"]),
        data["bias"],
        np.array(data["feature"], np.int32),
        np.array(data["threshold"], np.float32),
        np.array(data["leaf"], np.float32),
    )


def fit(
    x: Any, y: Any, w: Any, names: Sequence[str], *, trees: int = 100, depth: int = 5, rate: float = 0.12, bins: int = 32,
    l2: float = 2.0, seed: int = 0, share: float = 0.4, sample: float = 0.6,
) -> Trees:  # fmt: skip
    """Fit to targets `y` in [0, 1] with weights `w`; `x` is (features, items). Each tree sees a random `share` of the features
    and a random `sample` of the items."""
    rng = np.random.default_rng(seed)
    f, n = x.shape
    edges, binned = [], np.zeros((f, n), np.uint8)
    for i in range(f):
        cuts = np.unique(np.quantile(x[i][rng.random(n) < min(1, 60_000 / n)], np.linspace(0, 1, bins + 1)[1:-1]))
        cuts = (cuts[:-1] + cuts[1:]) / 2 if len(cuts) > 1 else cuts
        cuts = np.unique(cuts.astype(np.float32))
        edges.append(cuts)
        binned[i] = np.searchsorted(cuts, x[i], side="left")
    w = w / w.mean()
    mean = float((w * y).sum() / w.sum())
    bias = float(np.log(mean / (1 - mean)))
    score = np.full(n, bias, np.float64)
    chosen, cut, leaves = [], [], []
    for _ in range(trees):
        p = 1 / (1 + np.exp(-score))
        g, h = w * (p - y), w * p * (1 - p)
        use = np.nonzero(rng.random(n) < sample)[0]
        candidates = rng.permutation(f)[: max(1, int(share * f))]
        gs, hs = g[use], h[use]
        part = np.ascontiguousarray(binned[np.ix_(candidates, use)])
        leaf = np.zeros(len(use), np.int64)
        qs: list[int] = []
        ts: list[float] = []
        for d in range(depth):
            best = (-np.inf, 0, 0)
            sums = _histogram(part, leaf, gs, hs, 1 << d, bins)
            left = sums.cumsum(axis=2)
            whole, left = left[:, :, -1:], left[:, :, :-1]
            a, b = left[..., 0], left[..., 1]
            ra, rb = whole[..., 0] - a, whole[..., 1] - b
            gain = (a**2 / (b + l2) + ra**2 / (rb + l2)).sum(axis=1)
            for k, i in enumerate(candidates):
                if m := len(edges[i]):
                    j = int(gain[k, :m].argmax())
                    if gain[k, j] > best[0]:
                        best = (float(gain[k, j]), k, j)
            _, k, j = best
            qs.append(int(candidates[k]))
            ts.append(float(edges[candidates[k]][j]))
            leaf |= (part[k] > j).astype(np.int64) << d
        full = np.zeros(n, np.int64)
        for d, (i, t) in enumerate(zip(qs, ts, strict=True)):
            full |= (x[i] > np.float32(t)).astype(np.int64) << d
        a, b = np.bincount(full, g, 1 << depth), np.bincount(full, h, 1 << depth)
        value = -rate * a / (b + l2)
        score += value[full]
        chosen.append(qs)
        cut.append(ts)
        leaves.append(value)
    return Trees(tuple(names), bias, np.array(chosen, np.int32), np.array(cut, np.float32), np.array(leaves, np.float32))


@compiled
def _histogram(part, leaf, g, h, leaves, bins):  # type: ignore[no-untyped-def]
    """Sums of gradient and curvature by (feature, leaf, bin)."""
    m, n = part.shape
    out = np.zeros((m, leaves, bins, 2))
    for k in range(m):
        for i in range(n):
            out[k, leaf[i], part[k, i], 0] += g[i]
            out[k, leaf[i], part[k, i], 1] += h[i]
    return out
