"""Gated cross-attention: text looks at the visual tokens of the latest image before it, through gates that start shut."""

from __future__ import annotations

import torch
from torch import nn

from trainer.config import Model
from trainer.model.attend import attend, cumulative
from trainer.model.connector import Gated, RMSNorm


class Cross(nn.Module):
    """`visual`: width of the visual tokens."""

    def __init__(self, m: Model, visual: int):
        super().__init__()
        c = self.c = m.decoder
        self.norm, self.norm2 = RMSNorm(c.width, c.eps), RMSNorm(c.width, c.eps)
        self.q = nn.Linear(c.width, c.heads * c.head_dim, bias=False)
        self.k, self.v = (nn.Linear(visual, c.heads * c.head_dim, bias=False) for _ in range(2))
        self.o = nn.Linear(c.heads * c.head_dim, c.width, bias=False)
        self.q_norm, self.k_norm = (RMSNorm(c.head_dim, c.eps) if m.cross_qk_norm else nn.Identity() for _ in range(2))
        self.mlp = Gated(c.width, c.mlp, c.width)
        gate = 1 if m.cross_gate == "float" else c.width
        self.alpha, self.beta = (
            nn.Parameter(torch.zeros(gate)),
            nn.Parameter(torch.zeros(gate)),
        )  # tanh(0): the decoder is untouched at first

    def forward(self, x: torch.Tensor, visual: torch.Tensor | None, runs: list[tuple[int, int, int, int]]) -> torch.Tensor:
        """`runs`: tokens start:end see visual tokens first:last; tokens in no run see nothing and only pass the gated MLP (as in IDEFICS)."""
        if runs and visual is not None:
            at = torch.cat([torch.arange(a, b, device=x.device) for a, b, _, _ in runs])
            seen = torch.cat([torch.arange(c, d, device=x.device) for _, _, c, d in runs])
            q = self.q_norm(self.q(self.norm(x[at])).unflatten(-1, (self.c.heads, -1)))
            k, v = (f(visual)[seen].unflatten(-1, (self.c.heads, -1)) for f in (self.k, self.v))
            cu_q, cu_k = cumulative([b - a for a, b, _, _ in runs]), cumulative([d - c for _, _, c, d in runs])
            found = self.o(attend(q, self.k_norm(k), v, cu_q, cu_k, False).flatten(1))
            x = x.index_add(0, at, (self.alpha.tanh() * found).to(x.dtype))
        return x + self.beta.tanh() * self.mlp(self.norm2(x))
