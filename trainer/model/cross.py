"""Gated cross-attention: text looks at the visual tokens of the latest image before it, through gates that start shut."""

from __future__ import annotations

import torch
from torch import nn

from trainer.config import Decoder
from trainer.model.attend import attend, cumulative
from trainer.model.connector import Gated, RMSNorm


class Cross(nn.Module):
    def __init__(self, c: Decoder):
        super().__init__()
        self.c = c
        self.norm, self.norm2 = RMSNorm(c.width, c.eps), RMSNorm(c.width, c.eps)
        self.q = nn.Linear(c.width, c.heads * c.head_dim, bias=False)
        self.k, self.v = (nn.Linear(c.width, c.heads * c.head_dim, bias=False) for _ in range(2))
        self.o = nn.Linear(c.heads * c.head_dim, c.width, bias=False)
        self.mlp = Gated(c.width, c.mlp, c.width)
        self.alpha, self.beta = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))  # tanh(0): the decoder is untouched at first

    def forward(self, x: torch.Tensor, visual: torch.Tensor, runs: list[tuple[int, int, int, int]]) -> torch.Tensor:
        """`runs`: tokens start:end see visual tokens first:last; tokens in no run see nothing and stay as they are."""
        if not runs:
            return x
        at = torch.cat([torch.arange(a, b, device=x.device) for a, b, _, _ in runs])
        seen = torch.cat([torch.arange(c, d, device=x.device) for _, _, c, d in runs])
        q = self.q(self.norm(x[at])).unflatten(-1, (self.c.heads, -1))
        k, v = (f(visual)[seen].unflatten(-1, (self.c.heads, -1)) for f in (self.k, self.v))
        cu_q, cu_k = cumulative([b - a for a, b, _, _ in runs]), cumulative([d - c for _, _, c, d in runs])
        y = x[at] + self.alpha.tanh() * self.o(attend(q, k, v, cu_q, cu_k, False).flatten(1))
        y = y + self.beta.tanh() * self.mlp(self.norm2(y))
        return x.index_copy(0, at, y)
