"""What the blocks around a block were judged to be: the features of the second look, from the chances of the first."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import scan
from pipelines.web.dom.sums import running

LEVELS: Final = 5  # containers above a block that are looked at, each larger than the one before
_AROUND_P = [f"p_{what}{k}" for k in (3, 8, 20) for what in ("before", "after")]
NAMES: Final[tuple[str, ...]] = (
    "p", *(f"p_{side}{k}" for k in (1, 2, 3) for side in ("prev", "next")), *_AROUND_P,
    *(f"p_c{k}" for k in range(1, LEVELS + 1)), *(f"p_s{k}" for k in range(1, LEVELS + 1)),
    "p_path", "p_kind", "p_best_before", "p_best_after", "p_page", "p_kept", "p_twin",
)  # fmt: skip
_START, _END, _BOX = scan.START, scan.END, scan.BOX


@compiled
def context_into(p, boxes, blocks, length, kind, up, group, n_groups, twin_group, n_twins, x):  # type: ignore[no-untyped-def]
    """What the blocks around a block were judged to be: fill x (features, blocks) in the order of NAMES."""
    n, m = blocks.shape[1], boxes.shape[1]
    weight, mass = np.empty(n, np.float32), np.empty(n, np.float32)
    kept = 0.0
    for b in range(n):
        weight[b] = min(length[b], 400) + 10
        mass[b] = weight[b] * p[b]
        kept += length[b] * p[b]
    run_w, run_m = running(weight), running(mass)
    g_w, g_m = np.zeros(n_groups), np.zeros(n_groups)
    k_w, k_m = np.zeros(16), np.zeros(16)
    for b in range(n):
        g_w[group[b]] += weight[b]
        g_m[group[b]] += mass[b]
        k_w[int(kind[b])] += weight[b]
        k_m[int(kind[b])] += mass[b]
    t_w, t_m = np.zeros(n_twins), np.zeros(n_twins)
    for c in range(1, m):
        s, e = boxes[_START, c], boxes[_END, c]
        t_w[twin_group[c]] += run_w[e] - run_w[s]
        t_m[twin_group[c]] += run_m[e] - run_m[s]
    best = np.float32(-1)
    page_mean = run_m[n] / run_w[n]
    for b in range(n):
        x[0, b] = p[b]
        r = 1
        for k in range(1, 4):
            x[r, b] = p[b - k] if b >= k else -1
            x[r + 1, b] = p[b + k] if b + k < n else -1
            r += 2
        for k in (3, 8, 20):
            lo, hi, after = max(b - k, 0), min(b + k + 1, n), min(b + 1, n)
            x[r, b] = (run_m[b] - run_m[lo]) / max(1.0, run_w[b] - run_w[lo])
            x[r + 1, b] = (run_m[hi] - run_m[after]) / max(1.0, run_w[hi] - run_w[after])
            r += 2
        c = blocks[_BOX, b]
        twin = -1.0
        twin_size = 0.0
        for k in range(LEVELS):
            s, e = boxes[_START, c], boxes[_END, c]
            x[r + k, b] = (run_m[e] - run_m[s]) / max(1.0, run_w[e] - run_w[s])
            x[r + LEVELS + k, b] = (run_m[e] - run_m[s]) / max(1.0, run_m[n])
            g = twin_group[c]
            if c and t_w[g] > 1.2 * (run_w[e] - run_w[s]) and t_w[g] > twin_size:
                twin, twin_size = t_m[g] / t_w[g], t_w[g]
            c = up[c]
        r += 2 * LEVELS
        x[r, b] = g_m[group[b]] / g_w[group[b]]
        x[r + 1, b] = k_m[int(kind[b])] / k_w[int(kind[b])]
        x[r + 2, b] = best
        best = max(best, p[b])
        x[r + 4, b], x[r + 5, b], x[r + 6, b] = page_mean, math.log1p(kept), twin
    best = np.float32(-1)
    for b in range(n - 1, -1, -1):
        x[r + 3, b] = best
        best = max(best, p[b])
