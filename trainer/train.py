"""The training loop, from a recipe to checkpoints. Read it from top to bottom."""

from __future__ import annotations

import json
import math
import os
import signal
import time
from dataclasses import dataclass

import torch

from trainer import ckpt, flops, freeze
from trainer.batch import Batch
from trainer.config import Recipe, RecipeError, Stage, as_dict
from trainer.dist import Group, clip
from trainer.index import IndexChanged
from trainer.log import Log, rewind
from trainer.model.vlm import VLM, compile_blocks
from trainer.plan import Plan, of_rank
from trainer.read import stream
from trainer.setup import Corpus, model_of

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense bf16 FLOP/s by the makers' data sheets; other devices: no MFU is shown


class Diverged(RuntimeError):
    """Loss or gradient is not finite."""


@dataclass(frozen=True)
class Result:
    first_loss: float  # of the first step
    last_loss: float  # mean over the last ten
    steps: int
    out: str
    checkpoint: str | None
    stopped: bool = False  # by a signal, saved


def train(recipe: Recipe) -> Result:
    """Train all stages of the recipe, resuming from the newest checkpoint in `run.out`. Every rank calls it."""
    group = Group(recipe.run.device)
    stop: list[int] = []
    before = {}
    try:
        for s in (signal.SIGTERM, signal.SIGUSR1):
            before[s] = signal.signal(s, lambda n, _: stop.append(n))
    except ValueError:
        pass  # not the main thread: signals stay as they are
    try:
        loop = Loop(recipe, group, stop)
        try:
            result = loop.run()
        finally:
            loop.saver.close()
        return result
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
        group.close()


def rate(stage: Stage, step: int) -> float:
    """Learning rate at `step` of the stage: linear warm-up, then cosine down to `end`."""
    if step < stage.warmup:
        return stage.lr * (step + 1) / stage.warmup
    done = (step - stage.warmup) / max(1, stage.steps - stage.warmup)
    return stage.lr * (stage.end + (1 - stage.end) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


class Loop:
    def __init__(self, recipe: Recipe, group: Group, stop: list[int]):
        self.recipe, self.group, self.stop = recipe, group, stop
        run = recipe.run
        os.makedirs(run.out, exist_ok=True)
        self.log = Log(run.out, group.rank, run.tensorboard, run.wandb)
        if group.rank == 0:
            self.corpus = Corpus(recipe)
            with open(os.path.join(run.out, "recipe.json"), "w", encoding="utf-8") as f:
                json.dump(as_dict(recipe), f, indent=1)
        group.barrier()  # the others find the lengths in the cache
        if group.rank:
            self.corpus = Corpus(recipe)
        self.model: VLM = model_of(recipe, self.corpus.tok.vocab).to(group.device)
        if group.rank == 0:
            for key, why in self.corpus.errors.items():
                self.log.write("bad", {"key": key, "error": why, "what": "lengths"})
        name = torch.cuda.get_device_name(group.device) if group.device.type == "cuda" else ""
        self.peak = next((v for k, v in PEAKS.items() if k in name), None)
        self.saver = ckpt.Saver(os.path.join(run.out, "checkpoints"), group, run.keep)
        self.wrapped = False

    def run(self) -> Result:
        run, checkpoints = self.recipe.run, os.path.join(self.recipe.run.out, "checkpoints")
        at = ckpt.newest(checkpoints) if run.resume else None
        state = ckpt.state(at) if at else {"step": 0}
        rewind(run.out, state["step"])
        begins, saved = 0, at
        for number, stage in enumerate(self.recipe.stage):
            if stage.packs % self.group.world:
                raise RecipeError(f"stage {stage.name!r}: {stage.packs} packs a step do not divide among {self.group.world} ranks")
            plan = self.corpus.plan(stage, number)
            ruled = self.prepare(stage, number)
            if state["step"] >= begins + stage.steps and number + 1 < len(self.recipe.stage):
                if at and state["stage"] == number:  # saved at its end: loaded before the next stage's rules change the names
                    ckpt.load_model(at, self.model)
                    at = None
                begins += stage.steps
                continue
            optimizer = torch.optim.AdamW(freeze.groups(self.model, ruled, stage.decay), lr=stage.lr, betas=stage.betas)
            first = 0
            if at and state["step"] >= begins:
                ckpt.load_model(at, self.model)
                if state["stage"] == number:
                    if state["plan"] != plan.hash:
                        raise IndexChanged(
                            f"{at} was trained by plan {state['plan']}, data and recipe now give {plan.hash}: start another run.out"
                        )
                    ckpt.load_optimizer(at, self.model, optimizer)
                    first = state["step"] - begins
                at = None
            for step in range(first, stage.steps) if first < stage.steps else ():
                if step == first:
                    batches = self.batches(plan, stage, first)
                self.step(stage, step, begins + step + 1, batches, optimizer)
                stopping = self.group.sum(len(self.stop))[0] > 0
                last = step + 1 == stage.steps
                if stopping or last or (run.save_every and (begins + step + 1) % run.save_every == 0):
                    pack = (step + 1) * stage.packs
                    here = {"stage": number, "plan": plan.hash, "pack": pack, "epoch": plan[pack].epoch}
                    saved = self.saver.save(begins + step + 1, self.model, optimizer, here)
                if stopping:
                    return self.result(saved, True)
            begins += stage.steps
        return self.result(saved, False)

    def result(self, saved: str | None, stopped: bool) -> Result:
        with open(os.path.join(self.recipe.run.out, "metrics.jsonl"), encoding="utf-8") as f:
            losses = [json.loads(line)["loss"] for line in f]
        return Result(losses[0], sum(losses[-10:]) / len(losses[-10:]), len(losses), self.recipe.run.out, saved, stopped)

    def prepare(self, stage: Stage, number: int) -> list:
        """Apply the stage's freeze rules; compile and shard once."""
        torch.manual_seed(self.recipe.run.seed + number)
        ruled = freeze.apply(self.model, stage.freeze)
        self.model.to(self.group.device)
        if self.group.rank == 0:
            self.log.write("stages", {"stage": number, "name": stage.name, "trains": freeze.table(self.model, ruled).splitlines()})
        if not self.wrapped:
            self.wrapped = True
            if self.recipe.model.compile:
                compile_blocks(self.model)
            if self.group.world > 1 and self.recipe.run.parallel == "fsdp":
                self.group.shard(self.model, getattr(torch, self.recipe.run.dtype))
        elif self.group.sharded and any(r.mode in ("lora", "dora") for r in stage.freeze):
            raise RecipeError(f"stage {stage.name!r}: adapters cannot be added to a sharded model; start this stage as a run of its own")
        return ruled

    def batches(self, plan: Plan, stage: Stage, first: int):
        """This rank's packs."""
        mine = of_rank(range(first * stage.packs, stage.steps * stage.packs), self.group.world, self.group.rank)
        return stream(plan, self.corpus.reader(stage), mine, self.recipe.data.workers)

    def step(self, stage: Stage, step: int, number: int, batches, optimizer: torch.optim.Optimizer) -> None:
        began = time.perf_counter()
        some: list[Batch] = [next(batches) for _ in range(stage.packs // self.group.world)]
        waited = time.perf_counter() - began
        counts = [(b.targets, len(b.tokens), len(b.grids)) for b in some]
        targets, tokens, images = self.group.sum(*(sum(c) for c in zip(*counts, strict=True)))
        self.model.train()
        total, work = 0.0, 0
        for b in some:
            b = b.to(self.group.device)
            loss = self.loss(stage, b)
            (loss / max(1.0, targets)).backward()  # by all targets of all ranks: 1 x 4 = 4 x 1
            total += loss.item()
            work += sum(flops.count(self.model, b))
        self.group.sum_gradients(self.model)
        loss_now, work = self.group.sum(total, work)
        loss_now /= max(1.0, targets)
        norm = float(clip(self.model, stage.clip))
        if not (math.isfinite(loss_now) and math.isfinite(norm)):
            keys = [p["key"] for b in some for p in b.provenance]
            what = f"step {number}: loss {loss_now}, gradient norm {norm}; no step was taken"
            raise Diverged(f"{what}. Its documents: {', '.join(keys[:5])} ...")
        for g in optimizer.param_groups:
            g["lr"] = rate(stage, step) * g["factor"]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        took = time.perf_counter() - began
        for b in some:
            for row in b.bad:
                self.log.write("bad", {**row, "step": number})
        row = {
            "step": number, "loss": loss_now, "norm": norm, "lr": rate(stage, step), "stage": stage.name, "targets": targets,
            "tokens": tokens, "images": images, "fill": tokens / (stage.packs * stage.tokens), "tokens_per_s": tokens / took,
            "images_per_s": images / took, "wait": waited / took, "flops_per_s": work / took,
            "mfu": work / took / (self.peak * self.group.world) if self.peak else None,
        }  # fmt: skip
        self.log.step(row, sum(s.steps for s in self.recipe.stage), number == 1 or number % self.recipe.run.log_every == 0)

    def loss(self, stage: Stage, b: Batch) -> torch.Tensor:
        noise = None
        if stage.neftune:  # drawn by pack number: the same for any world size
            g = torch.Generator().manual_seed(self.recipe.run.seed * 1_000_003 + b.number)
            noise = (torch.rand(len(b.tokens), self.model.c.decoder.width, generator=g) * 2 - 1).to(self.group.device)
            noise *= stage.neftune / math.sqrt(len(b.tokens) * self.model.c.decoder.width)
        if self.recipe.run.dtype == "bfloat16":
            with torch.autocast(self.group.device.type, torch.bfloat16):
                return self.model(b, noise)
        return self.model(b, noise)
