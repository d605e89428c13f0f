"""Second part of the training of the demo's CLIP: `python -m demo.tune_clip OUT --start WEIGHTS --steps 3000`.

`demo.train_clip` makes both towers agree on what scenes are. Here the text tower is done: it puts all texts that tell of one scene in
one place. So a scene's vector is computed once, and each picture can be trained against every scene that differs from its own by
one fact, which are the wrong captions that a small encoder confuses longest. Pictures are rendered once into a pool, because
rendering one costs more than a training step of it; they come up again in a mirror.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from demo import english
from demo.captions import caption, sentence
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import COLOURS, MAX_COUNT, SHAPES, Scene, compatible, make
from demo.train_clip import HERE, MODEL, only_known

RIGHT, HARD, EASY = 3.0, 6.0, 2.0  # weights; a picture has some 17 wrong texts that differ by one fact, few of which it confuses
MIRRORED = {"left": "right", "right": "left"}
NOTHING = 1000  # paragraphs that tell of no picture


def scene_of(seed: object, n: int) -> Scene:
    """The n-th scene. A third more than on the web are of two groups or counted: the picture that goes viral in a block is of that
    kind, and one that is misjudged is misjudged on twenty pages."""
    draw = Stream("tune-kind", seed, n)
    kind = ("two", "two", "count")[draw.below(3)] if draw.chance(0.33) else None
    return make("tune", seed, n, kind=kind, long_side=(160, 420))


def pixels_of(scene: Scene, seed: object, n: int, size: int) -> np.ndarray:
    """The scene as a file holds it, cut and scaled as the model's input: uint8, (3, size, size)."""
    from PIL import Image

    draw = Stream("tune-file", seed, n)
    ext = ("webp", "png", "png", *("jpg",) * 9)[draw.below(12)]
    with Image.open(io.BytesIO(encode(picture(scene), ext, quality=draw.between(60, 95)))) as image:
        rgb = image.convert("RGB")
    scale = size / min(rgb.size)
    width, height = (max(size, round(v * scale)) for v in rgb.size)
    left, top = (width - size) // 2, (height - size) // 2
    small = rgb.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + size, top + size))
    return np.ascontiguousarray(np.asarray(small).transpose(2, 0, 1))


def one_fact_changed(scene: Scene) -> list[Scene]:
    """Every scene that differs from this one by one shape, colour or (by two at least) count."""
    if not scene.groups:
        return [replace(scene, ink=c) for c in COLOURS if c != scene.ink]
    out = []
    for i, g in enumerate(scene.groups):
        shapes, colours = {x.shape for x in scene.groups}, {x.colour for x in scene.groups}
        changed = [replace(g, shape=s) for s in SHAPES if s not in shapes] + [replace(g, colour=c) for c in COLOURS if c not in colours]
        if scene.kind == "count":
            changed += [replace(g, count=n) for n in range(1, MAX_COUNT + 1) if abs(n - g.count) >= 2]
        out += [replace(scene, groups=(*scene.groups[:i], new, *scene.groups[i + 1 :])) for new in changed]
    return out


def mirrored(scene: Scene) -> Scene:
    """What the picture of a scene without writing shows in a mirror."""
    return replace(scene, relation=MIRRORED.get(scene.relation, scene.relation))


class TextVectors:
    """Vectors of scenes (the mean of two texts) and of paragraphs about nothing, each computed once."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.known: dict[Any, Any] = {}

    def encode(self, texts: Sequence[str]) -> Any:
        import torch

        with torch.no_grad():
            parts = [self.model.encode_text(self.tokenizer(list(texts[i : i + 256])), normalize=True) for i in range(0, len(texts), 256)]
        return torch.cat(parts)

    def of(self, scenes: Iterable[Scene]) -> Any:
        import torch

        wanted = list(scenes)
        new = list({s.facts: s for s in wanted if s.facts not in self.known}.values())
        if new:
            draw = Stream("tune-text", len(self.known))
            both = self.encode([say(s, "en", draw) for s in new for say in (caption, sentence)]).view(len(new), 2, -1).mean(1)
            for s, v in zip(new, torch.nn.functional.normalize(both, dim=-1), strict=True):
                self.known[s.facts] = v
        return torch.stack([self.known[s.facts] for s in wanted])


def tune(out: Path, start: Path, steps: int, batch: int, pool: int, lr: float, seed: int, every: int) -> None:
    """Train the image tower for `steps` batches of `batch` of `pool` pictures, from the weights `start`; write weights (fp16) and facts
    to `out` every `every` steps."""
    import open_clip
    import torch
    import torch.nn.functional as F

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    open_clip.add_model_config(str(HERE))
    model, _, preprocess = open_clip.create_model_and_transforms(MODEL)
    take_up(model, start)
    tokenizer = open_clip.get_tokenizer(MODEL)
    texts = TextVectors(model, tokenizer)
    nothing = texts.encode([english.paragraph(Stream("tune-nothing", seed, i), 1, 3) for i in range(NOTHING)])
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (preprocess.transforms[-1].mean, preprocess.transforms[-1].std))
    size = open_clip.get_model_config(MODEL)["vision_cfg"]["image_size"]
    scenes = [scene_of(seed, n) for n in range(pool)]
    pictures = np.stack([pixels_of(s, seed, n, size) for n, s in enumerate(scenes)])
    print(json.dumps({"rendered": pool}), flush=True)

    scale, bias = torch.nn.Parameter(torch.tensor(math.log(20.0))), torch.nn.Parameter(torch.tensor(-8.0))
    params = list(model.visual.parameters())
    groups = [{"params": params, "weight_decay": 0.02}, {"params": [scale, bias], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=lr, total_steps=steps, pct_start=0.1, anneal_strategy="cos")
    model.train()
    log: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        shown, flat = _batch(scenes, pictures, seed, step - 1, batch)
        image = F.normalize(model.encode_image((torch.from_numpy(flat).float() / 255 - mean) / std), dim=-1)
        own = texts.of(shown)
        wrong = [one_fact_changed(s) for s in shown]
        owner = torch.tensor([i for i, ws in enumerate(wrong) for _ in ws])
        hard = texts.of(w for ws in wrong for w in ws)
        # a text of another picture that could pass for one of this picture too is no wrong caption of the web
        apart = torch.tensor([[not compatible(a, b) for b in shown] for a in shown])
        elsewhere = nothing[torch.randint(NOTHING, (32,))]
        scores = [(image * own).sum(-1), (image[owner] * hard).sum(-1), (image @ own.T)[apart], (image @ elsewhere.T).flatten()]
        right, confused, other, none = (scale.exp() * s + bias for s in scores)
        loss = -RIGHT * F.logsigmoid(right).mean() - HARD * F.logsigmoid(-confused).mean()
        loss = loss - EASY * (F.logsigmoid(-other).mean() + 0.5 * F.logsigmoid(-none).mean())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 0:
            hits, rejected = (right > 0).float().mean().item(), (confused < 0).float().mean().item()
            log.append({"step": step, "loss": round(loss.item(), 4), "right": round(hits, 4), "hard_wrong": round(rejected, 4)})
            print(json.dumps(log[-1]), flush=True)
        if step % every == 0 or step == steps:
            facts = {"seed": seed, "steps": step, "of": steps, "batch": batch, "lr": lr, "pool": pool, "log": log[-3:]}
            _write(out, model, tokenizer, {**facts, "trained_threshold": round(-bias.item() / scale.exp().item(), 4)})


def take_up(model: Any, weights: Path) -> None:
    """Load earlier weights. Residual blocks that the earlier model did not have begin as the identity (their last scale is zero), so
    a deeper model begins as good as that one was. ValueError if the weights are of another model."""
    import torch
    from safetensors.torch import load_file

    state = {k: v.float() if v.is_floating_point() else v for k, v in load_file(str(weights)).items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected:
        raise ValueError(f"{weights}: not of this model: {', '.join(unexpected[:3])}")
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name in missing and name.endswith("bn3.weight"):
                value.zero_()


def _batch(scenes: list[Scene], pictures: np.ndarray, seed: int, step: int, size: int) -> tuple[list[Scene], np.ndarray]:
    """Scenes and pictures of a step, every second picture without writing mirrored; all come up once before one comes up again."""
    shown, pixels = [], []
    for i in range(step * size, (step + 1) * size):
        turn, place = divmod(i, len(scenes))
        n = _order(seed, turn, len(scenes))[place]
        scene, image = scenes[n], pictures[n]
        if not scene.text and Stream("tune-mirror", seed, n, turn).chance(0.5):
            scene, image = mirrored(scene), image[:, :, ::-1]
        shown.append(scene)
        pixels.append(image)
    return shown, np.stack(pixels)


@lru_cache(maxsize=2)
def _order(seed: int, turn: int, count: int) -> tuple[int, ...]:
    numbers = list(range(count))
    return tuple(Stream("tune-order", seed, turn).sample(numbers, count))


def _write(out: Path, model: Any, tokenizer: Any, facts: dict[str, Any]) -> None:
    import torch
    from safetensors.torch import save_file

    state = {k: (v.half() if v.dtype == torch.float32 else v).contiguous() for k, v in model.state_dict().items()}
    state["token_embedding.weight"] = only_known(state["token_embedding.weight"], tokenizer)
    out.mkdir(parents=True, exist_ok=True)
    save_file(state, str(out / f"{MODEL}.safetensors"))
    (out / f"{MODEL}.training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--start", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--pool", type=int, default=40_000)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=250)
    a = parser.parse_args()
    tune(a.out, a.start, a.steps, a.batch, a.pool, a.lr, a.seed, a.every)
