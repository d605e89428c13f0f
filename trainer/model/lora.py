"""LoRA (arXiv 2106.09685) and DoRA (arXiv 2402.09353) around one Linear."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class Lora(nn.Module):
    """W x + alpha / r * B A x; with `dora` each output row is scaled to a trained magnitude m / ||W + alpha / r * B A||.

    A starts as Kaiming-uniform and B at zero, so nothing changes at first. As in the paper the norm takes no gradient.
    """

    def __init__(self, base: nn.Linear, rank: int, alpha: float, dora: bool = False):
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), alpha / rank
        like = {"device": base.weight.device, "dtype": base.weight.dtype}
        self.a = nn.Parameter(torch.empty(rank, base.in_features, **like))
        self.b = nn.Parameter(torch.zeros(base.out_features, rank, **like))
        nn.init.kaiming_uniform_(self.a, a=5**0.5)
        self.magnitude = nn.Parameter(base.weight.detach().norm(dim=1)) if dora else None

    def norms(self) -> torch.Tensor:
        """Row norms of W + s B A from low-rank terms: no matrix of W's size is made."""
        w, a, b, s = self.base.weight.detach(), self.a.detach(), self.b.detach(), self.scale
        squared = w.pow(2).sum(1) + 2 * s * ((w @ a.T) * b).sum(1) + s * s * ((b @ (a @ a.T)) * b).sum(1)
        return squared.clamp_min(0).sqrt()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.linear(x, self.base.weight) + self.scale * F.linear(F.linear(x, self.a), self.b)
        if self.magnitude is not None:
            y = y * (self.magnitude / self.norms()).to(y.dtype)
        return y if self.base.bias is None else y + self.base.bias

    def merged(self) -> nn.Linear:
        """A plain Linear that does the same."""
        w = self.base.weight.detach() + self.scale * self.b.detach() @ self.a.detach()
        if self.magnitude is not None:
            w = w * (self.magnitude.detach() / w.norm(dim=1))[:, None]
        self.base.weight = nn.Parameter(w, requires_grad=self.base.weight.requires_grad)
        return self.base


def merge(model: nn.Module) -> nn.Module:
    """Fold every adapter into its Linear, in place."""
    for name, m in list(model.named_modules()):
        if isinstance(m, Lora):
            parent, _, last = name.rpartition(".")
            setattr(model.get_submodule(parent), last, m.merged())
    return model
