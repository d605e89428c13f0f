"""SigLIP's vision tower with NaViT packing: patches of all crops in one row, positions by fractional place in the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from trainer.config import Vision
from trainer.model import attend as attention
from trainer.model.attend import Bounds, bounds, cumulative


class Block(nn.Module):
    def __init__(self, c: Vision, gelu: str = "tanh"):
        super().__init__()
        self.heads, self.gelu = c.heads, gelu
        self.norm1, self.norm2 = nn.LayerNorm(c.width, c.eps), nn.LayerNorm(c.width, c.eps)
        self.q, self.k, self.v, self.o = (nn.Linear(c.width, c.width) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(c.width, c.mlp), nn.Linear(c.mlp, c.width)

    def forward(self, x: torch.Tensor, cu: list[int] | Bounds) -> torch.Tensor:
        h = self.norm1(x)
        q, k, v = (f(h).unflatten(-1, (self.heads, -1)) for f in (self.q, self.k, self.v))
        x = x + self.o(attention.attend(q, k, v, cu, cu, False).flatten(1))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x)), approximate=self.gelu))


class Tower(nn.Module):
    """uint8 patches (P, 3 * p * p) to features (P, width)."""

    def __init__(self, c: Vision, recompute: bool = False):
        super().__init__()
        self.c, self.recompute = c, recompute
        self.patch = nn.Linear(3 * c.patch**2, c.width)
        self.position = nn.Embedding(c.positions**2, c.width)
        self.layers = nn.ModuleList(Block(c) for _ in range(c.depth))
        self.norm = nn.LayerNorm(c.width, c.eps)

    def forward(self, patches: torch.Tensor, grids: list[tuple[int, int]]) -> torch.Tensor:
        weight = self.position.weight  # not `patch`'s: an adapter may stand around it
        pixels = patches.to(weight.dtype) / 127.5 - 1  # mean 0.5, standard deviation 0.5
        x = self.patch(pixels) + self.position(positions(grids, self.c.positions, self.c.hf_buckets).to(weight.device))
        cu = bounds(cumulative([a * b for a, b in grids]))
        for layer in self.layers:
            x = again(layer, self.recompute and self.training, x, cu)
        return self.norm(x)


def again(layer: nn.Module, recompute: bool, *args: object) -> torch.Tensor:
    """The layer's output; with `recompute` its activations are not kept but computed again in the backward pass."""
    if not recompute:
        return layer(*args)
    from torch.utils.checkpoint import checkpoint

    return checkpoint(layer, *args, use_reentrant=False)


def positions(grids: list[tuple[int, int]], side: int, hf: bool) -> torch.Tensor:
    """Row of the position table for each patch: floor(i * side / n) exactly, or by HF's float arithmetic (`hf`)."""
    out = []
    for rows, cols in grids:
        r, c = (_buckets(n, side) if hf else torch.arange(n) * side // n for n in (rows, cols))
        out.append((r[:, None] * side + c[None, :]).reshape(-1))
    return torch.cat(out)


def _buckets(n: int, side: int) -> torch.Tensor:
    boundaries = torch.arange(1 / side, 1.0, 1 / side)
    places = torch.arange(n, dtype=torch.float32) * (1.0 / torch.tensor(n))
    return torch.bucketize(places.clamp(max=1.0 - 1e-6), boundaries, right=True)
