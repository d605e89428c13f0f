"""IDEFICS' own parts (after Flamingo, arXiv 2204.14198): a CLIP tower with a class token, and a resampler that stays at the tower's width.

They exist so that IDEFICS checkpoints run here; new designs take the SigLIP tower and the connectors of `connector.py`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from trainer.config import Connector, Vision
from trainer.model.attend import attend, bounds, cumulative
from trainer.model.vision import Block, again

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # CLIP's


class ClipTower(nn.Module):
    """uint8 patches to features, for each crop its class token first. Other grids than the table's: bicubic positions, as HF does it."""

    def __init__(self, c: Vision, recompute: bool = False):
        super().__init__()
        self.c, self.recompute = c, recompute
        self.patch = nn.Linear(3 * c.patch**2, c.width, bias=False)
        self.cls = nn.Parameter(torch.randn(c.width) * 0.02)
        self.position = nn.Embedding(c.positions**2 + 1, c.width)
        self.norm1 = nn.LayerNorm(c.width, c.eps)
        self.layers = nn.ModuleList(Block(c, "none") for _ in range(c.depth))
        self.norm = nn.LayerNorm(c.width, c.eps)  # of the pooled output, which nothing here reads: kept for the export

    def forward(self, patches: torch.Tensor, grids: list[tuple[int, int]]) -> torch.Tensor:
        weight = self.patch.weight
        mean, std = (torch.tensor(v, dtype=weight.dtype, device=weight.device)[:, None] for v in (MEAN, STD))
        pixels = (patches.to(weight.dtype).unflatten(1, (3, -1)) / 255 - mean) / std
        parts = self.patch(pixels.flatten(1)).split([a * b for a, b in grids])
        rows = [row for grid, part in zip(grids, parts, strict=True) for row in self._placed(part, grid)]
        x = self.norm1(torch.cat(rows))
        cu = bounds(cumulative([a * b + 1 for a, b in grids]))
        for layer in self.layers:
            x = again(layer, self.recompute and self.training, x, cu)
        return x

    def _placed(self, part: torch.Tensor, grid: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The class token and the patches of one crop, with their positions."""
        side, table = self.c.positions, self.position.weight
        places = table[1:]
        if grid != (side, side):
            square = places.T.reshape(1, -1, side, side)
            scale = [(n + 0.1) / side for n in grid]  # HF's guard against rounding down
            places = F.interpolate(square, scale_factor=scale, mode="bicubic", align_corners=False)[0].flatten(1).T
        return (self.cls + table[0])[None].to(part.dtype), part + places


class ResamplerLayer(nn.Module):
    def __init__(self, c: Connector, width: int):
        super().__init__()
        self.c = c
        self.context_norm, self.latents_norm, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.q, self.k, self.v = (nn.Linear(width, c.heads * c.head_dim, bias=False) for _ in range(3))
        self.o = nn.Linear(c.heads * c.head_dim, width, bias=False)
        if c.qk_norm:
            self.q_norm, self.k_norm = nn.LayerNorm(c.head_dim), nn.LayerNorm(c.head_dim)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, latents: torch.Tensor, context: torch.Tensor, sizes: list[int]) -> torch.Tensor:
        """Each crop's latents look at that crop's features and at themselves."""
        n, cu = self.c.latents, cumulative(sizes)
        x, y = self.latents_norm(latents), self.context_norm(context)
        both = torch.cat([p for i in range(len(sizes)) for p in (y[cu[i] : cu[i + 1]], x[i * n : (i + 1) * n])])
        q, k, v = (f(z).unflatten(-1, (self.c.heads, -1)) for f, z in ((self.q, x), (self.k, both), (self.v, both)))
        if self.c.qk_norm:
            q, k = self.q_norm(q), self.k_norm(k)
        seen = attend(q, k, v, cumulative([n] * len(sizes)), cumulative([s + n for s in sizes]), False)
        latents = latents + self.o(seen.flatten(1))
        return latents + self.fc2(F.relu(self.fc1(self.norm(latents))))


class Resampler(nn.Module):
    """Features with class tokens to `latents` tokens a crop, at the tower's width."""

    merge = 1

    def __init__(self, c: Connector, width: int):
        super().__init__()
        self.c, self.per_image = c, c.latents
        self.latents = nn.Parameter(torch.randn(c.latents, width) * width**-0.5)
        self.layers = nn.ModuleList(ResamplerLayer(c, width) for _ in range(c.depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor, grids: list[tuple[int, int]]) -> torch.Tensor:
        latents = self.latents.to(x.dtype).repeat(len(grids), 1)
        for layer in self.layers:
            latents = layer(latents, x, [a * b + 1 for a, b in grids])
        return self.norm(latents)

    def sizes(self, grids: list[tuple[int, int]]) -> list[int]:
        """Visual tokens of each crop."""
        return [self.per_image] * len(grids)
