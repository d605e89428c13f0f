"""How well a CLIP separates right from wrong captions on held-out scenes, as the pipeline uses it (best of the texts beside an image)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.captions import alt, caption, sentence
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import make, other
from demo.train_clip import HERE, MODEL, WEIGHTS


@dataclass(frozen=True)
class Separation:
    """Precision and recall of "this caption is wrong" (similarity below `threshold`) over `n` right and `n` wrong examples."""

    n: int
    threshold: float
    precision: float
    recall: float
    best_threshold: float
    best_f1: float


def load(weights: Path = WEIGHTS) -> tuple[Any, Any, Any]:
    """(model, preprocess, tokenizer), loaded as any open_clip model: name and path of the weights."""
    import open_clip

    open_clip.add_model_config(str(HERE))
    model, _, preprocess = open_clip.create_model_and_transforms(MODEL, pretrained=str(weights))
    return model.eval(), preprocess, open_clip.get_tokenizer(MODEL)


def similarities(weights: Path, n: int, seed: object = "held-out") -> tuple[list[float], list[float]]:
    """Best similarity with the texts beside it, of n images with right and the same n with wrong texts."""
    import torch
    from PIL import Image

    model, preprocess, tokenizer = load(weights)
    right, wrong = [], []
    for start in range(0, n, 64):
        pixels, texts, owners = [], [], []
        for i in range(start, min(n, start + 64)):
            scene, draw = make(seed, i), Stream("separation", seed, i)
            with Image.open(io.BytesIO(encode(picture(scene), "jpg", 80))) as image:
                pixels.append(preprocess(image.convert("RGB")))
            for kind, told in ((0, scene), (1, other(scene, seed, i))):
                for say in (caption, alt, sentence):
                    texts.append(say(told, "en", draw))
                    owners.append((i - start, kind))
        with torch.no_grad():
            image = torch.nn.functional.normalize(model.encode_image(torch.stack(pixels)), dim=-1)
            text = torch.nn.functional.normalize(model.encode_text(tokenizer(texts)), dim=-1)
        best: dict[tuple[int, int], float] = {}
        for (k, kind), vector in zip(owners, text, strict=True):
            best[(k, kind)] = max(best.get((k, kind), -1.0), float(image[k] @ vector))
        right += [best[(k, 0)] for k in range(len(pixels))]
        wrong += [best[(k, 1)] for k in range(len(pixels))]
    return right, wrong


def separate(weights: Path = WEIGHTS, n: int = 500, threshold: float | None = None, seed: object = "held-out") -> Separation:
    """Measure on n held-out scenes; `threshold` defaults to the one in the training facts beside the weights."""
    import json

    if threshold is None:
        threshold = float(json.loads(weights.with_suffix(".training.json").read_text(encoding="utf-8"))["threshold"])
    right, wrong = similarities(weights, n, seed)

    def at(t: float) -> tuple[float, float]:
        hits, false = sum(s < t for s in wrong), sum(s < t for s in right)
        return (hits / (hits + false) if hits + false else 1.0), hits / len(wrong)

    def f1(t: float) -> float:
        p, r = at(t)
        return 2 * p * r / (p + r) if p + r else 0.0

    best = max((k / 100 for k in range(-20, 100)), key=f1)
    p, r = at(threshold)
    return Separation(n, threshold, p, r, best, f1(best))


if __name__ == "__main__":
    import sys

    print(separate(Path(sys.argv[1]) if len(sys.argv) > 1 else WEIGHTS))
