"""Tiny random models and documents, as the trainer's tests need them."""

from __future__ import annotations

import torch

from trainer.batch import Batch
from trainer.config import Connector, Decoder, Model, Vision
from trainer.model.vlm import VLM

IMAGE = 259


def config(kind: str = "perceiver", fusion: str = "ar") -> Model:
    clip = "clip" if kind == "resampler" else "siglip"
    return Model(
        fusion=fusion, vision=Vision(kind=clip, width=24, depth=2, heads=2, mlp=40, patch=14, positions=4),
        connector=Connector(kind=kind, latents=3, depth=1, heads=2, kv_heads=1, head_dim=8),
        decoder=Decoder(width=32, depth=2, heads=4, kv_heads=2, head_dim=8, mlp=48, vocab=262),
    )  # fmt: skip


def model(kind: str = "perceiver", fusion: str = "ar", dtype: torch.dtype = torch.float64) -> VLM:
    torch.manual_seed(0)
    m = VLM(config(kind, fusion)).to(dtype)
    with torch.no_grad():
        for n, p in m.named_parameters():
            p.add_(torch.randn_like(p) * (0.5 if n.endswith(("alpha", "beta")) else 0.05))  # gates open, nothing at a special value
    return m


def document(m: VLM, seed: int, grids: list[tuple[int, int]], words: int = 7) -> Batch:
    """Text, then each picture followed by text; all text is a target."""
    g = torch.Generator().manual_seed(seed)
    inline = m.c.fusion == "ar"
    ids: list[int] = torch.randint(0, 256, (3,), generator=g).tolist()
    starts = []
    for n in m.connector.sizes(grids):
        starts.append(len(ids))
        ids += [IMAGE] * n if inline else [260, IMAGE, 260]
        ids += torch.randint(0, 256, (words,), generator=g).tolist()
    tokens = torch.tensor(ids)
    labels = torch.cat([tokens[1:], torch.tensor([-100])])
    labels[labels >= 256] = -100
    runs = [(a, b, i, i + 1) for i, (a, b) in enumerate(zip(starts, [*starts, len(ids)][1:], strict=True))]
    patches = torch.randint(0, 256, (sum(a * b for a, b in grids), 588), generator=g, dtype=torch.uint8)
    slots = (tokens == IMAGE).nonzero()[:, 0] if inline else torch.empty(0, dtype=torch.int64)
    return Batch(tokens, torch.arange(len(ids)), labels, [0, len(ids)], patches, grids, slots, runs)


KINDS = ("perceiver", "linear", "mapping", "shuffle")
DESIGNS = [(f, k) for f in ("ar", "cross") for k in KINDS] + [("cross", "resampler")]
SHAPES = [[(2, 4)], [], [(4, 2), (2, 2)]]
