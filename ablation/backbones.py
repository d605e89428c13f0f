"""Miniature backbones, trained here: a vision tower by contrast on rendered pairs, a language model on curated text.

Quality is training length: `steps`. Weights carry the names of `trainer.model.vlm.VLM`, so a recipe starts from them
(`model.backbones`). Nothing is shared with an arm's questions: pairs are captions of seen combinations.
"""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from ablation.conversations import training
from ablation.scenes import Case, draw_scene, told
from demo.scenes import Scene
from trainer.batch import Batch
from trainer.config import Images, Model, Vision
from trainer.image import grids, patches
from trainer.model.attend import attend, cumulative
from trainer.model.vision import Block, Tower
from trainer.model.vlm import VLM
from trainer.text import Tokens

BATCH = 64
TEXT_WIDTH = 64
WIDTH = 96  # of the common space
SIDE = 64
APART = ("vision.", "connector.", "cross.")  # of the model, what is no part of the decoder


class TextSide(nn.Module):
    """Captions to vectors: one bidirectional block over token and place embeddings, their mean."""

    def __init__(self, vocab: int):
        super().__init__()
        self.embed, self.place = nn.Embedding(vocab, TEXT_WIDTH), nn.Embedding(64, TEXT_WIDTH)
        self.block = Block(Vision(width=TEXT_WIDTH, heads=2, mlp=2 * TEXT_WIDTH))
        self.out = nn.Linear(TEXT_WIDTH, WIDTH)

    def forward(self, ids: list[list[int]]) -> torch.Tensor:
        flat = torch.tensor([t for i in ids for t in i])
        place = torch.tensor([k for i in ids for k in range(len(i))])
        cu = cumulative([len(i) for i in ids])
        x = self.block(self.embed(flat) + self.place(place), cu)
        return self.out(torch.stack([x[a:b].mean(0) for a, b in zip(cu, cu[1:], strict=False)]))


class ImageSide(nn.Module):
    """The tower and a learned query over its patches (SigLIP's pooling head)."""

    def __init__(self, c: Vision):
        super().__init__()
        self.vision = Tower(c)
        self.queries = nn.Parameter(torch.randn(4, c.width) * c.width**-0.5)
        self.k, self.v = nn.Linear(c.width, c.width), nn.Linear(c.width, c.width)
        self.out = nn.Linear(4 * c.width, WIDTH)
        self.heads = c.heads

    def forward(self, pixels: torch.Tensor, cells: list[tuple[int, int]]) -> torch.Tensor:
        x = self.vision(pixels, cells)
        q = self.queries.repeat(len(cells), 1).unflatten(-1, (self.heads, -1))
        k, v = (f(x).unflatten(-1, (self.heads, -1)) for f in (self.k, self.v))
        y = attend(q, k, v, cumulative([4] * len(cells)), cumulative([a * b for a, b in cells]), False)
        return self.out(y.reshape(len(cells), -1))


def pairs(count: int, patch: int) -> tuple[torch.Tensor, tuple[int, int], list[str]]:
    """Patches (count, rows * columns, 3 * patch * patch) of rendered scenes, their grid, and what they show."""
    cell = grids(SIDE, SIDE, Images(rule="square", side=SIDE), patch)[0]
    pixels, texts = [], []
    for c in training(count, "pairs", skills=("count", "colour", "relation", "letter", "box")):
        scene: Scene = c.scenes[0]
        image = torch.from_numpy(np.array(draw_scene(scene))).permute(2, 0, 1).contiguous()
        pixels.append(patches(image, cell, patch).reshape(-1, 3 * patch * patch))
        texts.append(told(scene))
    return torch.stack(pixels), cell, texts


def train_tower(
    c: Vision, tok: Tokens, steps: int, file: str, count: int = 8000, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> None:
    """Contrast: each picture against all texts of its batch (the pairwise sigmoid loss of SigLIP, arXiv 2303.15343)."""
    torch.manual_seed(seed)
    pixels, cell, texts = pairs(count, c.patch)
    ids = [tok.encode(f" {t}") for t in texts]
    image, text = ImageSide(c), TextSide(tok.vocab)
    for m in image.vision.modules():
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
    bias, scale = nn.Parameter(torch.tensor(-5.0)), nn.Parameter(torch.tensor(2.3))
    params = [*image.parameters(), *text.parameters(), bias, scale]
    optimizer = torch.optim.AdamW(params, lr=2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=max(2, steps), pct_start=0.1)
    order = random.Random(seed)
    for step in range(steps):
        some = order.sample(range(count), BATCH)
        a = F.normalize(image(pixels[some].flatten(0, 1), [cell] * BATCH), dim=-1)
        b = F.normalize(text([ids[i] for i in some]), dim=-1)
        same = torch.tensor([[texts[i] == texts[j] for j in some] for i in some])
        logits = scale.exp() * a @ b.T + bias
        pair = F.softplus(torch.where(same, -logits, logits))
        loss = pair[same].mean() + pair[~same].mean() * 8
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step + 1 == steps:
            hit = (logits.argmax(1) == torch.arange(BATCH)).float().mean().item()
            say(f"tower step {step}: loss {loss.item():.3f}, own text found {hit:.2f}")
    save(image, file, lambda n: n.startswith("vision."))


def told_ids(c: Case, tok: Tokens) -> list[int]:
    """A case in words only: the description stands where the picture's tokens would, between the same marks."""
    out = [tok.bos]
    shown = iter(c.scenes)
    for turn in c.turns:
        out += tok.encode("User:" if turn.pictures else "User: ")
        for _ in range(turn.pictures):
            out += [tok.fake, *tok.encode(f" {told(next(shown))}"), tok.fake]
        out += [
            *tok.encode(turn.question),
            tok.end,
            *tok.encode("\nAssistant:"),
            *tok.encode(f" {turn.answer}"),
            tok.end,
            *tok.encode("\n"),
        ]
    return [*out, tok.eos]


def train_decoder(
    c: Model,
    tok: Tokens,
    texts: Sequence[str],
    cases: int,
    steps: int,
    file: str,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Next token on curated text (a quarter of the rows) and on cases told in words: what a language model brings along.

    Rows of 256 tokens, 8 a step.
    """
    torch.manual_seed(seed)
    model = VLM(c)
    pages = torch.tensor([t for text in texts for t in tok.encode(text + "\n\n")])
    talk = torch.tensor([t for x in training(cases, "told") for t in told_ids(x, tok)])
    params = [p for n, p in model.named_parameters() if not n.startswith(APART)]
    optimizer = torch.optim.AdamW(params, lr=4e-3, weight_decay=0.05, betas=(0.9, 0.98))
    order, rows, length = random.Random(seed), 8, 256
    empty = torch.zeros(0, 3 * c.vision.patch**2, dtype=torch.uint8)
    model.eval()  # no picture is shown, and none is needed
    for step in range(steps):
        for g in optimizer.param_groups:
            g["lr"] = 4e-3 * min(1.0, (step + 1) / 20) * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
        some = [(pages if r % 4 == 0 else talk) for r in range(rows)]
        starts = [order.randrange(max(1, len(x) - length - 1)) for x in some]
        tokens = torch.cat([x[s : s + length] for x, s in zip(some, starts, strict=True)])
        labels = torch.cat([x[s + 1 : s + length + 1] for x, s in zip(some, starts, strict=True)])
        positions = torch.arange(length).repeat(rows)
        batch = Batch(tokens, positions, labels, cumulative([length] * rows), empty, [], torch.empty(0, dtype=torch.int64), [])
        loss = model(batch) / len(tokens)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        if step % 50 == 0 or step + 1 == steps:
            say(f"decoder step {step}: loss {loss.item():.3f}")
    save(model, file, lambda n: not n.startswith(APART))


def save(model: nn.Module, file: str, keep: Callable[[str], bool]) -> None:
    """Parameters whose names are to be kept; the file appears whole."""
    os.makedirs(os.path.dirname(file), exist_ok=True)
    part = f"{file}.{os.getpid()}.part"
    save_file({n: p.detach().contiguous() for n, p in model.named_parameters() if keep(n)}, part)
    os.replace(part, file)
