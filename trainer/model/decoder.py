"""A Llama/Mistral decoder over one packed row, with a cache for generation and places for gated cross-attention."""

from __future__ import annotations

import torch
from torch import nn

from trainer.config import Decoder
from trainer.model import attend as attention
from trainer.model.attend import Bounds, cumulative
from trainer.model.connector import Gated, RMSNorm


class Attention(nn.Module):
    def __init__(self, c: Decoder):
        super().__init__()
        self.c = c
        self.q = nn.Linear(c.width, c.heads * c.head_dim, bias=False)
        self.k, self.v = (nn.Linear(c.width, c.kv_heads * c.head_dim, bias=False) for _ in range(2))
        self.o = nn.Linear(c.heads * c.head_dim, c.width, bias=False)

    def forward(
        self, x: torch.Tensor, rope: tuple[torch.Tensor, torch.Tensor], cu: list[int] | Bounds, cache: list | None = None
    ) -> torch.Tensor:
        q = rotate(self.q(x).unflatten(-1, (self.c.heads, -1)), rope)
        k = rotate(self.k(x).unflatten(-1, (self.c.kv_heads, -1)), rope)
        v = self.v(x).unflatten(-1, (self.c.kv_heads, -1))
        cu_k = cu
        if cache is not None and isinstance(cu, list):  # one (k, v) per sequence; new tokens are appended to their own sequence
            for i in range(len(cu) - 1):
                new = (k[cu[i] : cu[i + 1]], v[cu[i] : cu[i + 1]])
                if i < len(cache):
                    cache[i] = tuple(torch.cat(p) for p in zip(cache[i], new, strict=True))
                else:
                    cache.append(new)
            k, v = (torch.cat([entry[j] for entry in cache]) for j in (0, 1))
            cu_k = cumulative([len(entry[0]) for entry in cache])
        return self.o(attention.attend(q, k, v, cu, cu_k, True).flatten(1))


class Layer(nn.Module):
    def __init__(self, c: Decoder):
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(c.width, c.eps), RMSNorm(c.width, c.eps)
        self.attention = Attention(c)
        self.mlp = Gated(c.width, c.mlp, c.width)

    def forward(
        self, x: torch.Tensor, rope: tuple[torch.Tensor, torch.Tensor], cu: list[int] | Bounds, cache: list | None = None
    ) -> torch.Tensor:
        x = x + self.attention(self.norm1(x), rope, cu, cache)
        return x + self.mlp(self.norm2(x))


def angles(positions: torch.Tensor, c: Decoder, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines (T, 1, head_dim) of rotary positions; computed in float32 at least, as HF does."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    rate = 1.0 / c.rope ** (torch.arange(0, c.head_dim, 2, device=positions.device, dtype=torch.float32).to(wide) / c.head_dim)
    a = positions.to(wide)[:, None] * rate[None]
    a = torch.cat([a, a], -1)[:, None]
    return a.cos().to(dtype), a.sin().to(dtype)


def rotate(x: torch.Tensor, rope: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    a, b = x.chunk(2, -1)
    return x * rope[0] + torch.cat([-b, a], -1) * rope[1]
