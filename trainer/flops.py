"""Matrix FLOPs of a batch as it is: real patches, real tokens, and a backward pass only where something trains.

Forward counts once; gradients of activations once more where a parameter before (or at) the place trains; gradients of
weights once more where the weight trains. So MFU counts the model's work; recomputation is no work (HFU would add it).
"""

from __future__ import annotations

from torch import nn

from trainer.batch import Batch
from trainer.model.lora import Lora
from trainer.model.vlm import VLM


class Count:
    """Walks the model in the order of the forward pass; `upstream` = a parameter before here trains."""

    def __init__(self) -> None:
        self.forward = self.backward = 0
        self.upstream = False

    def linear(self, m: nn.Module, rows: int, upstream: bool | None = None) -> None:
        """2 * rows * in * out; and the same for each gradient that is needed."""
        up = self.upstream if upstream is None else upstream
        if isinstance(m, Lora):
            self.one(m.base.weight.numel(), rows, up, False)
            self.one(m.a.numel(), rows, up, m.a.requires_grad)
            self.one(m.b.numel(), rows, up or m.a.requires_grad, m.b.requires_grad)
        else:
            self.one(m.weight.numel(), rows, up, m.weight.requires_grad)

    def one(self, size: int, rows: int, gradient: bool, trains: bool) -> None:
        work = 2 * size * rows
        self.forward += work
        self.backward += work * (gradient + trains)

    def attention(self, pairs: int, width: int, gradient: bool) -> None:
        """QK' and PV over `pairs` query-key pairs; both have two gradients (the flash kernels' recomputed QK' is no model work)."""
        work = 2 * 2 * pairs * width
        self.forward += work
        self.backward += 2 * work * gradient


def trains(m: nn.Module) -> bool:
    return any(p.requires_grad for p in m.parameters())


def count(model: VLM, batch: Batch, causal_full: bool = False) -> tuple[int, int]:
    """(forward, backward) FLOPs. Causal attention counts n(n+1)/2 pairs; `causal_full`: n * n, as torch's counter does."""
    f = Count()
    sizes = [a * b for a, b in batch.grids]
    if sizes:
        _vision(f, model, sizes)
    visual_up, tokens = f.upstream, len(batch.tokens)
    lengths = [b - a for a, b in zip(batch.cu, batch.cu[1:], strict=False)]
    pairs = sum(n * n if causal_full else n * (n + 1) // 2 for n in lengths)
    cross = model.c.fusion == "cross"
    f.upstream = model.embed.weight.requires_grad or (visual_up and not cross)
    d = model.c.decoder
    per = model.connector.sizes(batch.grids)
    for i, layer in enumerate(model.layers):
        if len(model.cross) and i % model.c.cross_every == 0:
            _cross(f, model.cross[i // model.c.cross_every], batch, per, visual_up, d.heads * d.head_dim)
        a = layer.attention
        _block(f, [a.q, a.k, a.v], a.o, layer.norm1, tokens, pairs, d.heads * d.head_dim)
        f.upstream |= trains(layer.norm2)
        _gated(f, layer.mlp, tokens)
    f.upstream |= trains(model.norm)
    f.linear(model.head, batch.targets)
    return f.forward, f.backward


def _cross(f: Count, x: nn.Module, batch: Batch, per: list[int], visual_up: bool, width: int) -> None:
    seeing = sum(b - a for a, b, _, _ in batch.runs)
    if seeing:
        f.linear(x.q, seeing, f.upstream or trains(x.norm))
        for m in (x.k, x.v):
            f.linear(m, sum(per), visual_up)
        up = f.upstream or visual_up or any(trains(m) for m in (x.norm, x.q, x.k, x.v, x.q_norm, x.k_norm))
        f.attention(sum((b - a) * sum(per[c:e]) for a, b, c, e in batch.runs), width, up)
        f.linear(x.o, seeing, up)
        f.upstream = up or trains(x.o) or x.alpha.requires_grad
    f.upstream |= trains(x.norm2)
    _gated(f, x.mlp, len(batch.tokens))
    f.upstream |= x.beta.requires_grad


def _block(f: Count, inputs: list[nn.Module], out: nn.Module, norm: nn.Module, rows: int, pairs: int, width: int) -> None:
    f.upstream |= trains(norm)
    for m in inputs:
        f.linear(m, rows)
    f.upstream |= any(trains(m) for m in inputs)
    f.attention(pairs, width, f.upstream)
    f.linear(out, rows)
    f.upstream |= trains(out)


def _gated(f: Count, m: nn.Module, rows: int) -> None:
    f.linear(m.gate, rows)
    f.linear(m.up, rows)
    f.upstream |= trains(m.gate) or trains(m.up)
    f.linear(m.down, rows)
    f.upstream |= trains(m.down)


def _vision(f: Count, model: VLM, sizes: list[int]) -> None:
    v, clip = model.vision, model.c.vision.kind == "clip"
    f.linear(v.patch, sum(sizes))
    f.upstream = trains(v.patch) or trains(v.position) or (clip and (v.cls.requires_grad or trains(v.norm1)))
    sizes = [s + clip for s in sizes]
    rows, pairs = sum(sizes), sum(s * s for s in sizes)
    for b in v.layers:
        _block(f, [b.q, b.k, b.v], b.o, b.norm1, rows, pairs, v.c.width)
        f.upstream |= trains(b.norm2)
        for m in (b.fc1, b.fc2):
            f.linear(m, rows)
            f.upstream |= trains(m)
    f.upstream |= trains(v.norm) and not clip
    c = model.connector
    if clip:
        pass
    elif isinstance(c.projection, nn.Linear) or isinstance(c.projection, Lora):
        f.linear(c.projection, rows // c.merge**2)
        f.upstream |= trains(c.projection)
    else:
        _gated(f, c.projection, rows)
    if c.c.kind not in ("perceiver", "resampler"):
        return
    context, n = f.upstream, c.c.latents
    f.upstream = c.latents.requires_grad
    for layer in c.layers:
        f.upstream |= trains(layer.latents_norm)
        f.linear(layer.q, n * len(sizes))
        both = f.upstream or context or trains(layer.context_norm)
        for m in (layer.k, layer.v):
            f.linear(m, rows + n * len(sizes), both)
        f.upstream = both or any(trains(m) for m in (layer.q, layer.k, layer.v))
        f.attention(sum(n * (s + n) for s in sizes), c.c.heads * c.c.head_dim, f.upstream)
        f.linear(layer.o, n * len(sizes))
        f.upstream |= trains(layer.o) or trains(layer.norm)
        if not clip:
            _gated(f, layer.mlp, n * len(sizes))
            continue
        for m in (layer.fc1, layer.fc2):
            f.linear(m, n * len(sizes))
            f.upstream |= trains(m)
    f.upstream |= trains(c.norm)
