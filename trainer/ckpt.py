"""Checkpoints: torch's distributed checkpoint in safetensors files, each rank its shards, in a folder that appears whole or not at all.

Tensors are copied to memory and written in the background while training goes on; the newest N folders stay. Nothing is pickled.
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import TensorStorageMetadata
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions

from trainer.dist import Group

FORMAT = 2


class Saver:
    """Writes `folder/step-00000012`. Every rank calls every method, in the same order."""

    def __init__(self, folder: str, group: Group, keep: int):
        self.folder, self.group, self.keep = folder, group, keep
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None
        self._stager = DefaultStager(StagingOptions(False, False, False, False))

    def save(self, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> str:
        """Copy what is to be saved and return; the folder appears later, or at `wait`. Raises what the last save raised."""
        self.wait()
        copied = self._stager.stage(tensors(model, optimizer))
        target = os.path.join(self.folder, f"step-{step:08d}")
        about = {**state, "step": step, "format": FORMAT, "parameters": sum(1 for _ in model.parameters())}
        self._pending = self._thread.submit(self._write, copied, target, about)
        return target

    def wait(self) -> None:
        """Until the last save is on disk, on every rank."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()
            self.group.barrier()

    def close(self) -> None:
        try:
            self.wait()
        finally:
            self._thread.shutdown()
            self._stager.close()

    def _write(self, copied: dict[str, Any], target: str, about: dict[str, Any]) -> None:
        part, alone = f"{target}.part", self.group.world == 1
        if self.group.rank == 0:
            shutil.rmtree(part, ignore_errors=True)
            os.makedirs(part)
        if not alone:  # nobody writes before the folder is there: by the group of its own, so that training's traffic is not touched
            torch.distributed.barrier(self.group.saving)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch's own making
            dcp.save(
                copied, storage_writer=HuggingFaceStorageWriter(part, save_distributed=True), process_group=self.group.saving, no_dist=alone
            )
        if self.group.rank:
            return
        with open(os.path.join(part, "state.json"), "w", encoding="utf-8") as f:
            json.dump(about, f, indent=1, sort_keys=True)
        for name in os.listdir(part):
            _sync(os.path.join(part, name), os.O_RDWR)
        _sync(part, os.O_RDONLY)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(part, target)
        _sync(self.folder, os.O_RDONLY)
        for old in steps(self.folder)[: -self.keep] if self.keep else []:
            shutil.rmtree(os.path.join(self.folder, f"step-{old:08d}"))


def _sync(path: str, flags: int) -> None:
    fd = os.open(path, flags)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def tensors(model: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> dict[str, torch.Tensor]:
    """Parameters by name, and the optimizer's state as `name|exp_avg`; single numbers as one-element tensors."""
    out = {n: p.detach() for n, p in model.named_parameters()}
    by_id = {id(p): n for n, p in model.named_parameters()}
    for p, s in (optimizer.state if optimizer else {}).items():
        for key, value in s.items():
            value = value.detach() if torch.is_tensor(value) else torch.tensor(value)
            out[f"{by_id[id(p)]}|{key}"] = value if value.ndim else value[None]
    return out


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


def contents(checkpoint: str) -> dict[str, TensorStorageMetadata]:
    """Shape and type of every tensor in the checkpoint, whatever ranks wrote it."""
    return HuggingFaceStorageReader(checkpoint).read_metadata().state_dict_metadata  # type: ignore[return-value]


def read(checkpoint: str, into: dict[str, torch.Tensor]) -> None:
    """Fill these tensors (plain or sharded) in place."""
    alone = not torch.distributed.is_initialized()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dcp.load(into, storage_reader=HuggingFaceStorageReader(checkpoint), no_dist=alone)


def whole(checkpoint: str) -> dict[str, torch.Tensor]:
    """All tensors of the checkpoint, unsharded."""
    out = {n: torch.zeros(m.size, dtype=m.properties.dtype) for n, m in contents(checkpoint).items()}
    read(checkpoint, out)
    return out


def load_model(checkpoint: str, model: nn.Module) -> None:
    own = tensors(model)
    there = {n for n in contents(checkpoint) if "|" not in n}
    if missing := sorted(own.keys() ^ there):
        raise ValueError(f"{checkpoint}: {len(missing)} names differ from the model's, such as {missing[0]!r}; was it another recipe?")
    read(checkpoint, own)


def load_optimizer(checkpoint: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    own, into = dict(model.named_parameters()), {}
    for key, meta in contents(checkpoint).items():
        name, bar, what = key.partition("|")
        if bar:
            one = what == "step"
            into[key] = torch.zeros(1, dtype=meta.properties.dtype) if one else torch.zeros_like(own[name], dtype=meta.properties.dtype)
    read(checkpoint, into)
    for key, value in into.items():
        name, _, what = key.partition("|")
        optimizer.state.setdefault(own[name], {})[what] = value[0] if what == "step" else value
