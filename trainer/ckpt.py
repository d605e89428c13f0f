"""Checkpoints: safetensors and JSON in a folder that appears whole or not at all; the newest N stay."""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from trainer.dist import Group

FORMAT = 1


def full(t: torch.Tensor) -> torch.Tensor:
    return (t.full_tensor() if hasattr(t, "full_tensor") else t).detach().cpu().contiguous()


def save(folder: str, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any], group: Group, keep: int) -> str:
    """Write `folder/step-00000012`. Every rank calls it (shards are gathered); rank 0 writes, syncs and renames."""
    names = [n for n, _ in model.named_parameters()]
    weights = {n: full(p) for n, p in model.named_parameters()}
    by_id = {id(p): n for n, p in model.named_parameters()}
    moments = {}
    for p, s in optimizer.state.items():
        for key, value in s.items():
            moments[f"{by_id[id(p)]}|{key}"] = full(value) if torch.is_tensor(value) else torch.tensor(value)
    target = os.path.join(folder, f"step-{step:08d}")
    if group.rank == 0:
        part = f"{target}.part"
        shutil.rmtree(part, ignore_errors=True)
        os.makedirs(part)
        save_file(weights, os.path.join(part, "model.safetensors"))
        save_file(moments, os.path.join(part, "optimizer.safetensors"))
        with open(os.path.join(part, "state.json"), "w", encoding="utf-8") as f:
            json.dump({**state, "step": step, "format": FORMAT, "parameters": len(names)}, f, indent=1, sort_keys=True)
        for name in os.listdir(part):
            with open(os.path.join(part, name), "rb") as f:
                os.fsync(f.fileno())
        shutil.rmtree(target, ignore_errors=True)
        os.rename(part, target)
        for old in steps(folder)[:-keep] if keep else []:
            shutil.rmtree(os.path.join(folder, f"step-{old:08d}"))
    group.barrier()
    return target


def steps(folder: str) -> list[int]:
    """Finished checkpoints in `folder`, oldest first."""
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return sorted(int(n[5:]) for n in names if n.startswith("step-") and n[5:].isdigit())


def newest(folder: str) -> str | None:
    found = steps(folder)
    return os.path.join(folder, f"step-{found[-1]:08d}") if found else None


def state(checkpoint: str) -> dict[str, Any]:
    with open(os.path.join(checkpoint, "state.json"), encoding="utf-8") as f:
        raw = json.load(f)
    if raw["format"] != FORMAT:
        raise ValueError(f"{checkpoint}: checkpoint format {raw['format']}, this version reads {FORMAT}")
    return raw


def load_model(checkpoint: str, model: nn.Module) -> None:
    weights = load_file(os.path.join(checkpoint, "model.safetensors"))
    own = dict(model.named_parameters())
    if missing := sorted(own.keys() ^ weights.keys()):
        raise ValueError(f"{checkpoint}: {len(missing)} names differ from the model's, such as {missing[0]!r}; was it another recipe?")
    with torch.no_grad():
        for name, p in own.items():
            p.copy_(_as(weights[name], p))


def load_optimizer(checkpoint: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    own = dict(model.named_parameters())
    for key, value in load_file(os.path.join(checkpoint, "optimizer.safetensors")).items():
        name, _, what = key.partition("|")
        optimizer.state.setdefault(own[name], {})[what] = _as(value, own[name]) if value.ndim else value


def _as(value: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """On the parameter's device, and sharded as it is."""
    if hasattr(p, "device_mesh"):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(value.to(p.device), p.device_mesh, p.placements)
    return value.to(p.device)
