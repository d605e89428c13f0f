"""Greedy generation for many prompts at once: packed, not padded, with one cache per prompt."""

from __future__ import annotations

import torch

from trainer.batch import Batch
from trainer.model.attend import cumulative
from trainer.model.vlm import VLM


@torch.no_grad()
def greedy(model: VLM, prompts: Batch, end: set[int], most: int = 32) -> list[list[int]]:
    """New token ids of every document in `prompts`, up to and without the first of `end`. `most`: at most so many."""
    model.eval()
    n = len(prompts.cu) - 1
    cross = model.c.fusion == "cross"
    visual = model.visual(prompts) if prompts.grids else None
    cache: list[list] = [[] for _ in model.layers]
    last_run = {}  # document -> the crops its newest tokens see
    for a, b, i, j in prompts.runs:
        for d in range(n):
            if prompts.cu[d] <= a and b == prompts.cu[d + 1]:
                last_run[d] = (i, j)
    h = model.hidden(prompts, cache, visual)
    h = h[torch.tensor(prompts.cu[1:], device=h.device) - 1]
    at = [b - a for a, b in zip(prompts.cu, prompts.cu[1:], strict=False)]
    out: list[list[int]] = [[] for _ in range(n)]
    alive = list(range(n))
    for _ in range(most):
        new = model.head(h).argmax(-1).tolist()
        keep = [i for i, t in enumerate(new) if t not in end]
        for i in keep:
            out[alive[i]].append(new[i])
        if not keep:
            break
        cache = [[layer[i] for i in keep] for layer in cache]
        alive = [alive[i] for i in keep]
        empty = torch.empty(0, dtype=torch.int64, device=h.device)
        step = Batch(
            torch.tensor([new[i] for i in keep], device=h.device), torch.tensor([at[d] for d in alive], device=h.device),
            torch.full((len(alive),), -100, device=h.device), cumulative([1] * len(alive)),
            prompts.patches[:0], prompts.grids if cross else [], empty,
            [(r, r + 1, *last_run[d]) for r, d in enumerate(alive) if d in last_run],
        )  # fmt: skip
        for d in alive:
            at[d] += 1
        h = model.hidden(step, cache, visual)
    return out
