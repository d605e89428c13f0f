"""One pack as tensors: tokens in one dimension, documents told apart by `cu` alone."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import torch


@dataclass(slots=True)
class Batch:
    """A pack of documents.

    T tokens, P patches, K crops. `labels[i]` is the target after token i, within its document, or -100.
    """

    tokens: torch.Tensor  # (T,) int64
    positions: torch.Tensor  # (T,) int64: from 0 in each document
    labels: torch.Tensor  # (T,) int64
    cu: list[int]  # documents are tokens cu[i]:cu[i+1]
    patches: torch.Tensor  # (P, 3 * patch * patch) uint8
    grids: list[tuple[int, int]]  # (rows, columns) of each crop
    slots: torch.Tensor  # (S,) int64: where the visual tokens stand in `tokens` (ar), crop after crop
    runs: list[tuple[int, int, int, int]]  # cross: tokens start:end see the crops first:last
    provenance: list[dict] = field(default_factory=list)
    bad: list[dict] = field(default_factory=list)
    number: int = -1

    def __post_init__(self) -> None:
        for name in ("tokens", "positions", "labels", "slots"):
            if (d := getattr(self, name).dtype) != torch.int64:
                raise TypeError(f"Batch.{name} is {d}: ids must be int64 (bf16 loses bits above 256)")
        if self.patches.dtype != torch.uint8:
            raise TypeError(f"Batch.patches is {self.patches.dtype}: uint8 until the device normalises them")
        if self.cu[0] != 0 or self.cu[-1] != len(self.tokens):
            raise ValueError(f"Batch.cu runs {self.cu[0]}..{self.cu[-1]}, tokens are {len(self.tokens)}")

    @property
    def targets(self) -> int:
        return int((self.labels >= 0).sum())

    def to(self, device: torch.device | str) -> Batch:
        tensors = {f.name: x for f in fields(self) if isinstance(x := getattr(self, f.name), torch.Tensor)}
        moved = {name: x.to(device, non_blocking=True) for name, x in tensors.items()}
        return replace(self, **moved)


def join(batches: list[Batch]) -> Batch:
    """Packs one after another as one."""
    t = k = 0
    cu, runs, slots = [0], [], []
    for b in batches:
        cu += [c + t for c in b.cu[1:]]
        runs += [(a + t, e + t, i + k, j + k) for a, e, i, j in b.runs]
        slots.append(b.slots + t)
        t, k = t + len(b.tokens), k + len(b.grids)
    cat = {n: torch.cat([getattr(b, n) for b in batches]) for n in ("tokens", "positions", "labels", "patches")}
    return Batch(
        **cat, cu=cu, grids=[g for b in batches for g in b.grids], slots=torch.cat(slots), runs=runs,
        provenance=[p for b in batches for p in b.provenance], bad=[x for b in batches for x in b.bad],
    )  # fmt: skip
