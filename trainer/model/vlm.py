"""The whole model: tower, connector, decoder; image tokens in the text (ar) or gated cross-attention (cross)."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from trainer.batch import Batch
from trainer.config import Model
from trainer.model.attend import bounds, cumulative, opaque
from trainer.model.connector import Bridge, RMSNorm
from trainer.model.cross import Cross
from trainer.model.decoder import Layer, angles
from trainer.model.flamingo import ClipTower, Resampler
from trainer.model.vision import Tower, again

CHUNK = 2048  # targets whose logits exist at one time: 2,048 x 49k x 4 bytes = 0.4 GB


class VLM(nn.Module):
    """`forward(batch)` gives the summed loss over the batch's targets; `logits(batch)` all logits."""

    def __init__(self, c: Model):
        super().__init__()
        self.c = c
        d = c.decoder
        if (c.vision.kind == "clip") != (c.connector.kind == "resampler") or (c.vision.kind == "clip" and c.fusion != "cross"):
            raise ValueError("vision.kind clip, connector.kind resampler and fusion cross go together: they are IDEFICS")
        self.vision = (ClipTower if c.vision.kind == "clip" else Tower)(c.vision, c.recompute)
        self.connector = (
            Resampler(c.connector, c.vision.width) if c.connector.kind == "resampler"
            else Bridge(c.connector, c.vision.width, d.width, d.mlp, c.connector.eps)
        )  # fmt: skip
        self.embed = nn.Embedding(d.vocab, d.width)
        self.layers = nn.ModuleList(Layer(d) for _ in range(d.depth))
        every = c.cross_every
        visual = c.vision.width if c.connector.kind == "resampler" else d.width
        crossed = [i for i in range(d.depth) if i % every == 0] if c.fusion == "cross" else []
        self.cross = nn.ModuleList(Cross(c, visual) for _ in crossed)
        self.norm = RMSNorm(d.width, d.eps)
        self.head = nn.Linear(d.width, d.vocab, bias=False)
        for m in self.modules():
            if isinstance(m, (nn.Linear, nn.Embedding)):
                nn.init.normal_(m.weight, std=c.std)
                if getattr(m, "bias", None) is not None:
                    nn.init.zeros_(m.bias)
        if d.tie:
            self.head.weight = self.embed.weight

    def visual(self, batch: Batch) -> torch.Tensor:
        """Visual tokens of all crops, one after another."""
        return self.connector(self.vision(batch.patches, batch.grids), batch.grids)

    def hidden(
        self, batch: Batch, cache: list | None = None, visual: torch.Tensor | None = None, noise: torch.Tensor | None = None
    ) -> torch.Tensor:
        """States before the head. `cache`: a list per layer, filled and used in generation; `visual`: ready made; `noise`: NEFTune's."""
        x = self.embed(batch.tokens)
        if noise is not None:
            x = x + noise.to(x.dtype)
        if visual is None and batch.grids:
            visual = self.visual(batch)
        runs: list[tuple[int, int, int, int]] = []
        if visual is None and self.training:  # FSDP waits for every rank: a rank without pictures sees one grey patch, times zero
            grey = torch.full((self.connector.merge**2, 3 * self.c.vision.patch**2), 128, dtype=torch.uint8, device=x.device)
            blank = self.connector(self.vision(grey, [(self.connector.merge, self.connector.merge)]), [(self.connector.merge,) * 2])
            x = x + 0.0 * blank.sum().to(x.dtype)
        elif self.c.fusion == "ar" and visual is not None and len(batch.slots):
            if len(batch.slots) != len(visual):
                raise ValueError(f"{len(batch.slots)} image tokens in the text, {len(visual)} from the pictures")
            x = x.index_copy(0, batch.slots, visual.to(x.dtype))
        elif self.c.fusion == "cross" and visual is not None:
            cu = cumulative(self.connector.sizes(batch.grids))
            runs = [(a, b, cu[i], cu[j]) for a, b, i, j in batch.runs]
        cu = bounds(batch.cu) if cache is None else batch.cu
        rope = angles(batch.positions, self.c.decoder, x.dtype)
        for i, layer in enumerate(self.layers):
            if len(self.cross) and i % self.c.cross_every == 0:
                x = self.cross[i // self.c.cross_every](x, None if visual is None else visual.to(x.dtype), runs)
            x = again(layer, self.c.recompute and self.training, x, rope, cu, None if cache is None else cache[i])
        return self.norm(x)

    def forward(self, batch: Batch, noise: torch.Tensor | None = None) -> torch.Tensor:
        """Sum of the cross-entropies of the batch's targets; logits are made a chunk at a time and never all kept."""
        h = self.hidden(batch, noise=noise)
        at = (batch.labels >= 0).nonzero()[:, 0]
        total = h.sum() * 0.0
        for some in at.split(CHUNK):
            args = (h[some], batch.labels[some])
            total = total + (checkpoint(self._chunk, *args, use_reentrant=False) if len(at) > CHUNK else self._chunk(*args))
        return total

    def _chunk(self, h: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        logits = self.head(h)
        return F.cross_entropy(logits if logits.dtype == torch.float64 else logits.float(), labels, reduction="sum")

    def logits(self, batch: Batch) -> torch.Tensor:
        return self.head(self.hidden(batch))


def compile_blocks(model: VLM, **more: Any) -> None:
    """torch.compile for each block of tower and decoder, in place; once compiled they serve packs of any layout."""
    opaque()
    for block in [*model.vision.layers, *model.layers]:
        block.compile(dynamic=True, **more)
