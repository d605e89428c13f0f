"""What a run says: metrics.jsonl always, a live line, TensorBoard and Weights & Biases where asked; bad.jsonl for samples that could not be read."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

from trainer.config import RecipeError


def _package(name: str, module: str, setting: str) -> Any:
    """The module; RecipeError that names what to install where it is absent."""
    try:
        importlib.import_module(name)
        return importlib.import_module(module)
    except ImportError as e:
        raise RecipeError(f'{setting} needs the package {name} ({e}): pip install "weft[log]", or leave the setting out') from e


class Log:
    def __init__(self, out: str, rank: int, tensorboard: bool = False, wandb: str = ""):
        os.makedirs(out, exist_ok=True)
        self.out, self.rank = out, rank
        self.board = None
        if tensorboard and rank == 0:
            self.board = _package("tensorboard", "torch.utils.tensorboard", "run.tensorboard").SummaryWriter(out)
        self.wandb = None
        if wandb and rank == 0:
            self.wandb = _package("wandb", "wandb", "run.wandb").init(
                project=wandb, dir=out, resume="allow", name=os.path.basename(os.path.abspath(out))
            )

    def write(self, name: str, row: dict[str, Any]) -> None:
        suffix = "" if self.rank == 0 else f".rank{self.rank}"
        with open(os.path.join(self.out, f"{name}{suffix}.jsonl"), "a", encoding="utf-8") as f:
            f.write(json.dumps(row, sort_keys=True) + "\n")

    def step(self, row: dict[str, Any], total: int, show: bool) -> None:
        if self.rank:
            return
        self.write("metrics", row)
        if self.board:
            for k, v in row.items():
                if isinstance(v, (int, float)):
                    self.board.add_scalar(k, v, row["step"])
        if self.wandb:
            self.wandb.log({k: v for k, v in row.items() if v is not None}, step=int(row["step"]))
        if show:
            mfu = "" if row["mfu"] is None else f"  MFU {row['mfu']:.1%}"
            line = (
                f"step {row['step']:>5}/{total}  loss {row['loss']:.3f}  {row['tokens_per_s']:>8,.0f} tokens/s"
                f"  {row['images_per_s']:>6,.1f} images/s  {row['flops_per_s'] / 1e9:,.1f} GFLOP/s{mfu}"
                f"  wait {row['wait']:.0%}  fill {row['fill']:.1%}"
            )
            print(line, file=sys.stderr, flush=True)


def rewind(out: str, step: int) -> None:
    """Forget metrics after `step`: a resumed run writes them again."""
    file = os.path.join(out, "metrics.jsonl")
    if os.path.exists(file):
        with open(file, encoding="utf-8") as f:
            rows = [line for line in f if line.endswith("\n") and json.loads(line)["step"] <= step]
        part = file + ".part"
        with open(part, "w", encoding="utf-8") as f:
            f.writelines(rows)
        os.replace(part, file)
