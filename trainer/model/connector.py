"""From patch features to visual tokens of the decoder's width: perceiver | linear | mapping | shuffle."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from trainer.config import Connector
from trainer.model.attend import attend, cumulative


class RMSNorm(nn.Module):
    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        full = x if x.dtype == torch.float64 else x.float()
        return self.weight * (full * torch.rsqrt(full.pow(2).mean(-1, keepdim=True) + self.eps)).to(x.dtype)


class Gated(nn.Module):
    """down(silu(gate x) * up x)"""

    def __init__(self, width: int, hidden: int, out: int):
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, out, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(F.silu(self.gate(x)) * self.up(x))


class PerceiverLayer(nn.Module):
    def __init__(self, c: Connector, width: int, eps: float):
        super().__init__()
        self.c = c
        self.latents_norm, self.context_norm, self.norm = (RMSNorm(width, eps) for _ in range(3))
        self.q = nn.Linear(width, c.heads * c.head_dim, bias=False)
        self.k, self.v = (nn.Linear(width, c.kv_heads * c.head_dim, bias=False) for _ in range(2))
        self.o = nn.Linear(c.heads * c.head_dim, width, bias=False)
        self.mlp = Gated(width, 4 * width, width)

    def forward(self, latents: torch.Tensor, context: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        """Each crop's latents (n each) look at that crop's patches and at themselves."""
        n = self.c.latents
        x, y = self.latents_norm(latents), self.context_norm(context)
        cu = cumulative(sizes)
        both = torch.cat([p for i in range(len(sizes)) for p in (y[cu[i] : cu[i + 1]], x[i * n : (i + 1) * n])])
        q = self.q(x).unflatten(-1, (self.c.heads, -1))
        k, v = (f(both).unflatten(-1, (self.c.kv_heads, -1)) for f in (self.k, self.v))
        cu_q, cu_k = cumulative([n] * len(sizes)), cumulative([s + n for s in sizes])
        latents = latents + self.o(attend(q, k, v, cu_q, cu_k, False).flatten(1))
        return latents + self.mlp(self.norm(latents))


class Bridge(nn.Module):
    """`merge`: side of the square of patches that one token stands for; `per_image`: tokens of a crop, 0 where it depends on its grid."""

    def __init__(self, c: Connector, vision: int, decoder: int, hidden: int, eps: float):
        super().__init__()
        self.c = c
        self.merge = c.factor if c.kind == "shuffle" else 1
        self.per_image = c.latents if c.kind == "perceiver" else 0
        if c.kind == "perceiver":
            self.projection = Gated(vision, c.mlp or hidden, decoder)
            self.latents = nn.Parameter(torch.randn(c.latents, decoder) * decoder**-0.5)
            self.layers = nn.ModuleList(PerceiverLayer(c, decoder, eps) for _ in range(c.depth))
            self.norm = RMSNorm(decoder, eps)
        elif c.kind == "mapping":
            self.projection = Gated(vision, c.mlp or hidden, decoder)
        else:
            self.projection = nn.Linear(vision * self.merge**2, decoder, bias=False)

    def forward(self, x: torch.Tensor, grids: list[tuple[int, int]]) -> torch.Tensor:
        if self.c.kind == "shuffle":
            x = shuffle(x, grids, self.merge)
        x = self.projection(x)
        if self.c.kind != "perceiver":
            return x
        latents = self.latents.to(x.dtype).repeat(len(grids), 1)
        for layer in self.layers:
            latents = layer(latents, x, [a * b for a, b in grids])
        return self.norm(latents)

    def sizes(self, grids: list[tuple[int, int]]) -> list[int]:
        """Visual tokens of each crop."""
        return [self.per_image or (a // self.merge) * (b // self.merge) for a, b in grids]


def shuffle(x: torch.Tensor, grids: list[tuple[int, int]], r: int) -> torch.Tensor:
    """Pixel shuffle: each r x r square of patches becomes one token of r * r times the width."""
    out, at = [], 0
    for rows, cols in grids:
        y = x[at : at + rows * cols].reshape(rows // r, r, cols // r, r, -1)
        out.append(y.permute(0, 2, 1, 3, 4).reshape(rows * cols // r**2, -1))
        at += rows * cols
    return torch.cat(out)
