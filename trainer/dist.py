"""One process, several with summed gradients (ddp), or sharded parameters (FSDP2): the same loop for all."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist
from torch import nn


class Group:
    """Rank, world and device. `close` ends what it started."""

    def __init__(self, device: str = "auto"):
        self.world, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        local = int(os.environ.get("LOCAL_RANK", 0))
        name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        self.device = torch.device(f"cuda:{local}" if name == "cuda" else name)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        self.started = self.world > 1 and not dist.is_initialized()
        if self.started:
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        self.saving = dist.new_group(backend="gloo") if self.world > 1 else None  # checkpoints are written beside the training
        self.sharded = False

    def close(self) -> None:
        if self.started:
            dist.destroy_process_group()

    def sum(self, *values: float) -> list[float]:
        """Each value summed over the ranks."""
        if self.world == 1:
            return list(values)
        t = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(t)
        return t.tolist()

    def barrier(self) -> None:
        if self.world > 1:
            dist.barrier()

    def shard(self, model: nn.Module, dtype: torch.dtype) -> None:
        """FSDP2 on every block and then the rest; gradients are summed, not averaged (the loss is already divided)."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard

        mesh = init_device_mesh(self.device.type, (self.world,))
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32) if dtype == torch.bfloat16 else MixedPrecisionPolicy()
        for block in [*model.vision.layers, *model.layers, *model.cross]:
            fully_shard(block, mesh=mesh, mp_policy=policy)
        fully_shard(model, mesh=mesh, mp_policy=policy)
        for m in model.modules():
            if isinstance(m, FSDPModule):
                m.set_gradient_divide_factor(1.0)
        self.sharded = True

    def sum_gradients(self, model: nn.Module) -> None:
        """One all-reduce of all gradients: a rank whose packs had no picture adds zeros."""
        if self.world == 1 or self.sharded:
            return
        ps = [p for p in model.parameters() if p.requires_grad]
        flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in ps])
        dist.all_reduce(flat)
        at = 0
        for p in ps:
            p.grad = flat[at : at + p.numel()].view_as(p).clone()
            at += p.numel()


def clip(model: nn.Module, most: float) -> torch.Tensor:
    """Gradient norm before clipping, over all shards."""
    ps = [p for p in model.parameters() if p.grad is not None]
    norm = torch.nn.utils.clip_grad_norm_(ps, most)
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm
