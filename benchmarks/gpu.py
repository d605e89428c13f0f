"""Training steps on a GPU with random weights: time, MFU, memory; data wait of a whole run; and padded HF Idefics2 on the same documents.

    python -m benchmarks.gpu [--cases 256m,500m,8b-lora,8b-dora] [--sides 378,980] [--compile] [--json]      one CUDA device
    python -m benchmarks.gpu --tiny                                                                            a CPU: proves that it runs

Speed does not depend on weights, so they are drawn. Documents have OBELICS' mean (816 text tokens, 2.5 pictures; lognormal lengths).
MFU = matrix FLOPs of vision, connector and decoder over real tokens and patches (`trainer.flops`, no recomputation) / time / the maker's
dense bf16 peak. Frozen weights are kept in bf16, trained ones in float32. Times are the median of the measured steps.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import torch

from trainer import flops, freeze
from trainer.batch import Batch, join
from trainer.config import Connector, Decoder, Images, Model, Rule, Vision
from trainer.image import grids
from trainer.model.attend import cumulative
from trainer.model.vlm import VLM, compile_blocks
from trainer.train import PEAKS

SO400M = Vision(width=1152, depth=27, heads=16, mlp=4304, patch=14, positions=70)
BASE = Vision(width=768, depth=12, heads=12, mlp=3072, patch=14, positions=70)
PERCEIVER = Connector(latents=64, depth=3, heads=16, kv_heads=4, head_dim=96)
SMALL = Connector(latents=64, depth=3, heads=8, kv_heads=4, head_dim=96)
MODELS = {
    "256m": Model(vision=BASE, connector=SMALL, decoder=Decoder(width=576, depth=30, heads=9, kv_heads=3, head_dim=64, mlp=1536, vocab=49280)),
    "500m": Model(vision=BASE, connector=SMALL, decoder=Decoder(width=960, depth=32, heads=15, kv_heads=5, head_dim=64, mlp=2560, vocab=49280)),
    "8b": Model(vision=SO400M, connector=PERCEIVER, decoder=Decoder(width=4096, depth=32, heads=32, kv_heads=8, head_dim=128, mlp=14336, vocab=32003)),
    "tiny": Model(vision=Vision(width=24, depth=2, heads=2, mlp=40, patch=14, positions=4), connector=Connector(latents=3, depth=1, heads=2, kv_heads=1, head_dim=8),
                  decoder=Decoder(width=32, depth=2, heads=4, kv_heads=2, head_dim=8, mlp=48, vocab=300)),
}  # fmt: skip
TARGETS = {"8b-lora": 0.45, "256m": 0.40}  # MFU


def documents(c: Model, side: int, tokens: int, seed: int = 0) -> list[Batch]:
    """About `tokens` tokens of documents, each a batch of its own."""
    r, out, total = random.Random(seed), [], 0
    generator = torch.Generator().manual_seed(seed)
    image = c.decoder.vocab - 1
    while total < tokens:
        ids, cells = [], []
        for _ in range(max(1, min(6, int(r.gauss(2.5, 1.2))))):
            width, height = r.choice(((4, 3), (3, 4), (16, 9), (1, 1)))
            cells += grids(width * 1000, height * 1000, Images(side=side), c.vision.patch)
            ids += [image] * c.connector.latents
            ids += [r.randrange(image) for _ in range(max(4, min(tokens // 4, int(r.lognormvariate(5.3, 0.9)))))]
        t = torch.tensor(ids)
        labels = torch.cat([t[1:], torch.tensor([-100])])
        labels[labels == image] = -100
        patches = torch.randint(0, 256, (sum(a * b for a, b in cells), 3 * c.vision.patch**2), generator=generator, dtype=torch.uint8)
        out.append(Batch(t, torch.arange(len(t)), labels, [0, len(t)], patches, cells, (t == image).nonzero()[:, 0], []))
        total += len(t)
    return out


def build(c: Model, mode: str, device: torch.device) -> tuple[VLM, torch.optim.Optimizer]:
    """The model on its device, trained wholly, by LoRA or by DoRA on both backbones."""
    torch.manual_seed(0)
    with device:
        model = VLM(c)
        rules = () if mode == "full" else tuple(Rule(modules=m, mode=mode, rank=64, alpha=16.0) for m in ("vision.layers", "layers"))
        ruled = freeze.apply(model, rules)
    if device.type == "cuda":
        for p in model.parameters():
            if not p.requires_grad:
                p.data = p.data.to(torch.bfloat16)
    fused = {"fused": True} if device.type == "cuda" else {}
    return model.train(), torch.optim.AdamW(freeze.groups(model, ruled, 0.1), lr=1e-4, **fused)


def times(step: Callable[[], None], device: torch.device, warm: int, count: int) -> list[float]:
    out = []
    for n in range(warm + count):
        began = time.perf_counter()
        step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        if n >= warm:
            out.append(time.perf_counter() - began)
    return out


def case(name: str, side: int, device: torch.device, a: argparse.Namespace) -> dict[str, Any]:
    """One row of the table."""
    size, _, mode = name.partition("-")
    c = MODELS["tiny" if a.tiny else size]
    c = Model(fusion=c.fusion, vision=c.vision, connector=c.connector, decoder=c.decoder, recompute=size == "8b" or a.recompute)
    model, optimizer = build(c, mode or "full", device)
    if a.compile:
        compile_blocks(model)
    batch = join(documents(c, side, a.tokens)).to(device)
    work = sum(flops.count(model, batch))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            loss = model(batch) / batch.targets
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    took = times(step, device, a.warm, a.steps)
    seconds = statistics.median(took)
    peak = next((v for k, v in PEAKS.items() if device.type == "cuda" and k in torch.cuda.get_device_name()), None)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None
    mfu = work / seconds / peak if peak else None
    return {
        "case": f"{name}, {side} px", "step_s": seconds, "p99_s": max(took), "tokens": len(batch.tokens), "patches": len(batch.patches),
        "tokens_per_s": len(batch.tokens) / seconds, "tflop_per_step": work / 1e12, "mfu": mfu, "peak_gib": memory,
        "target_mfu": TARGETS.get(name), "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip


def beside_hf(size: str, side: int, device: torch.device, a: argparse.Namespace) -> dict[str, Any]:
    """Real tokens per second: ours packed, HF Idefics2 padded, the same weights and documents, everything trained."""
    import transformers

    from trainer.hf import export_config, export_weights

    c = MODELS["tiny" if a.tiny else size]
    model, optimizer = build(c, "full", device)
    docs = documents(c, side, a.tokens)
    packed = join(docs).to(device)
    hf = transformers.Idefics2ForConditionalGeneration(transformers.Idefics2Config.from_dict(export_config(model, c.decoder.vocab - 1)))
    hf.load_state_dict(export_weights(model))
    hf = hf.to(device).train()
    theirs = torch.optim.AdamW(hf.parameters(), lr=1e-4, **({"fused": True} if device.type == "cuda" else {}))
    inputs = {k: v.to(device) for k, v in padded(docs, c).items()}

    def run(loss: Callable[[], torch.Tensor], optimizer: torch.optim.Optimizer) -> Callable[[], None]:
        def step() -> None:
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                value = loss()
            value.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        return step

    mine = statistics.median(times(run(lambda: model(packed) / packed.targets, optimizer), device, a.warm, a.steps))
    other = statistics.median(times(run(lambda: hf(**inputs).loss, theirs), device, a.warm, a.steps))
    n = len(packed.tokens)
    return {"case": f"{size} full, {side} px, beside padded HF Idefics2", "tokens_per_s": n / mine, "hf_tokens_per_s": n / other,
            "ratio": other / mine, "target_ratio": 3.0, "hf_fill": n / inputs["input_ids"].numel()}  # fmt: skip


def padded(docs: list[Batch], c: Model) -> dict[str, torch.Tensor]:
    """The documents as HF takes them: tokens padded to the longest, pictures to the largest and to the most of a document."""
    p, longest = c.vision.patch, max(len(b.tokens) for b in docs)
    most = max(len(b.grids) for b in docs)
    h, w = (max(g[i] for b in docs for g in b.grids) * p for i in (0, 1))
    ids = torch.zeros(len(docs), longest, dtype=torch.int64)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    pixels, seen = torch.zeros(len(docs), most, 3, h, w), torch.zeros(len(docs), most, h, w, dtype=torch.bool)
    for i, b in enumerate(docs):
        n = len(b.tokens)
        ids[i, :n], mask[i, :n], labels[i, 1:n] = b.tokens, 1, b.labels[:-1]  # HF shifts by itself
        cu = cumulative([x * y for x, y in b.grids])
        for k, (rows, cols) in enumerate(b.grids):
            cut = b.patches[cu[k] : cu[k + 1]].reshape(rows, cols, 3, p, p).permute(2, 0, 3, 1, 4).reshape(3, rows * p, cols * p)
            pixels[i, k, :, : rows * p, : cols * p], seen[i, k, : rows * p, : cols * p] = cut / 127.5 - 1, True
    return {"input_ids": ids, "attention_mask": mask, "labels": labels, "pixel_values": pixels, "pixel_attention_mask": seen}


def whole_run(a: argparse.Namespace) -> dict[str, Any]:
    """`trainer.train` on shards with photographs, decoding in worker processes: the share of time that steps wait for data."""
    from benchmarks.load import make
    from trainer.config import load
    from trainer.train import train

    recipe = "tiny-cpu" if a.tiny else "smol-256m"
    file = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "configs", "recipes", f"{recipe}.toml")
    steps, packs = (4, 1) if a.tiny else (30, 2)
    with tempfile.TemporaryDirectory() as folder:
        run = make(os.path.join(folder, "run"), 24 if a.tiny else 2000, (160, 120) if a.tiny else (1024, 768), 80)
        more = [f'data.shards="{run}"', f'run.out="{folder}/out"', f"stage.steps={steps}", f"stage.packs={packs}", "run.save_every=0",
                f"data.workers={1 if a.tiny else max(1, (os.cpu_count() or 2) - 2)}"]  # fmt: skip
        train(load(file, more))
        with open(os.path.join(folder, "out", "metrics.jsonl"), encoding="utf-8") as f:
            rows = [jsonlib.loads(x) for x in f][steps // 2 :]  # after the first steps' start-up
    middle = {k: statistics.median(r[k] for r in rows) for k in ("tokens_per_s", "images_per_s", "wait", "fill")}
    return {"case": f"whole run, {recipe}, 1,024 px photographs", **middle, "mfu": rows[-1]["mfu"], "target_wait": 0.02}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default="256m,500m,8b-lora,8b-dora")
    parser.add_argument("--sides", default="378,980")
    parser.add_argument("--tokens", type=int, default=16384, help="of one step")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm", type=int, default=3)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--recompute", action="store_true", help="activation checkpointing for the small models too (8b always)")
    parser.add_argument("--tiny", action="store_true", help="tiny models, also on a CPU")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu" and not a.tiny:
        print("no CUDA device: only --tiny runs here")
        return 2
    if a.tiny:
        a.tokens, a.steps, a.warm, a.sides = 512, 2, 1, "28,56"
    rows = [case(name, int(side), device, a) for name in a.cases.split(",") for side in a.sides.split(",")]
    rows += [beside_hf("256m", int(side), device, a) for side in a.sides.split(",")]
    rows.append(whole_run(a))
    about = {"device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU", "torch": torch.__version__}
    if a.json:
        print(jsonlib.dumps([{**r, **about} for r in rows], indent=1))
        return 0
    print(about)
    for r in rows:
        shown = "  ".join(f"{k} {v:,.4g}" for k, v in r.items() if isinstance(v, float | int))
        print(f"{r['case']:44} {shown}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
