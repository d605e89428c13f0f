"""Trains the demo's CLIP on rendered scenes: `python -m demo.train_clip OUT --steps 6000`.

The model is an ordinary open_clip one (`demo/clip/weft-demo-clip.json`, a small ResNet and a small text tower with open_clip's
own tokenizer), so it is loaded as any other: model name + path of the weights. Each image is trained against its own text
(caption, alternative text or a paragraph that tells what is shown), against texts with one fact changed, against text about
nothing, and against the texts of the other images. The loss is the pairwise sigmoid of SigLIP (arXiv:2303.15343), because a
threshold on the similarity is what the pipeline needs: zero loss means that one threshold separates right from wrong.
"""

from __future__ import annotations

import argparse
import json
import queue
import threading
from pathlib import Path
from typing import Any

from demo import english
from demo.captions import alt, caption, sentence
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import Scene, make, other, reshaped

HERE = Path(__file__).parent / "clip"
MODEL = "weft-demo-clip"
WEIGHTS = HERE / f"{MODEL}.safetensors"


def text_of(scene: Scene, draw: Stream) -> str:
    """One of the texts that may stand beside a picture of the scene."""
    kind = draw.below(10)
    if kind < 4:
        return caption(scene, "en", draw)
    if kind < 6:
        return alt(scene, "en", draw)
    lead = sentence(scene, "en", draw)
    if kind == 6:
        return lead
    if kind < 9:
        return f"{lead} {english.sentence(draw)}"
    return f"{english.sentence(draw)} {lead}"


def example(seed: object, n: int, preprocess: Any) -> tuple[Any, Scene, list[tuple[str, Scene | None]]]:
    """The n-th example: pixels as the model takes them, the scene, and its texts with the scene that each is about."""
    import io

    from PIL import Image

    scene = make("clip", seed, n, long_side=(160, 420))
    draw = Stream("clip-text", seed, n)
    data = encode(picture(scene), draw.pick(("jpg", "jpg", "png", "webp")), quality=draw.between(60, 95))
    with Image.open(io.BytesIO(data)) as image:
        pixels = preprocess(image.convert("RGB"))
    texts: list[tuple[str, Scene | None]] = [(text_of(scene, draw), scene)]
    for k in range(2):  # one of them with nothing but a shape exchanged, which is what a small encoder confuses longest
        wrong = reshaped(scene, seed, n) if k else other(scene, seed, n, k)
        texts.append((text_of(wrong, draw), wrong))
    if draw.chance(0.3):
        texts.append((english.paragraph(draw, 1, 3), None))
    return pixels, scene, texts


def train(out: Path, steps: int, batch: int, seed: int, threads: int, every: int, lr: float, start: Path | None = None) -> None:
    """Train for `steps` batches of `batch` images; write weights (fp16) and facts to `out` every `every` steps."""
    import open_clip
    import torch
    import torch.nn.functional as F

    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    open_clip.add_model_config(str(HERE))
    model, _, preprocess = open_clip.create_model_and_transforms(MODEL, pretrained=str(start) if start else None)
    tokenizer = open_clip.get_tokenizer(MODEL)
    bias = torch.nn.Parameter(torch.tensor(-8.0))
    with torch.no_grad():
        model.logit_scale.fill_(torch.tensor(20.0).log())
    params = [p for p in model.parameters() if p.requires_grad]
    groups = [{"params": params, "weight_decay": 0.01}, {"params": [bias], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=lr, total_steps=steps, pct_start=0.08, anneal_strategy="cos")
    ahead: queue.Queue[Any] = queue.Queue(maxsize=8)

    def produce() -> None:
        for step in range(steps):
            items = [example(seed, step * batch + i, preprocess) for i in range(batch)]
            texts = [t for _, _, ts in items for t in ts]
            facts = [s.facts if s else None for _, s in texts]
            ids: dict[Any, int] = {}
            numbers = [-1 if f is None else ids.setdefault(f, len(ids)) for f in facts]
            own = [ids[s.facts] for _, s, _ in items]
            owner = [i for i, (_, _, ts) in enumerate(items) for _ in ts]
            tokens = tokenizer([t for t, _ in texts])
            ahead.put((torch.stack([p for p, _, _ in items]), tokens, *(torch.tensor(v) for v in (own, numbers, owner))))

    threading.Thread(target=produce, daemon=True).start()
    model.train()
    log = []
    for step in range(1, steps + 1):
        pixels, tokens, own, about, owner = ahead.get()
        image = F.normalize(model.encode_image(pixels), dim=-1)
        text = F.normalize(model.encode_text(tokens), dim=-1)
        similarity = image @ text.T
        truth = own[:, None] == about[None, :]
        logits = model.logit_scale.exp() * similarity + bias
        pair = F.binary_cross_entropy_with_logits(logits, truth.float(), reduction="none")
        # an image's own wrong texts are the hard ones: right, hard and random pairs weigh alike, however many there are
        mine = owner[None, :] == torch.arange(batch)[:, None]
        hard = mine & ~truth
        easy = ~mine & ~truth
        loss = pair[truth].mean() + pair[hard].mean() + pair[easy].mean() * 2
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, 4.6)
        if step % 100 == 0:
            with torch.no_grad():
                right, wrong = (logits[truth] > 0).float().mean().item(), (logits[hard] < 0).float().mean().item()
            log.append({"step": step, "loss": round(loss.item(), 4), "right": round(right, 4), "hard_wrong": round(wrong, 4)})
            print(json.dumps(log[-1]), flush=True)
        if step % every == 0 or step == steps:
            threshold = float(-bias.item() / model.logit_scale.exp().item())
            facts = {"seed": seed, "steps": step, "of": steps, "batch": batch, "lr": lr, "threshold": round(threshold, 4)}
            _write(out, model, {**facts, "log": log[-5:]})


def only_known(embedding: Any, tokenizer: Any) -> Any:
    """The token embedding with zeros for the tokens that no text of the demo holds: to the model they mean nothing, not noise
    (and a file that is mostly zeros packs well)."""
    import torch

    draw = Stream("vocabulary")
    texts = [say(make("vocabulary", i), "en", draw) for i in range(2000) for say in (caption, sentence)]
    texts += [english.sentence(draw) for _ in range(4000)] + [str(n) for n in range(10_000)]
    known = torch.zeros(embedding.shape[0], dtype=torch.bool)
    known[tokenizer(texts).unique()] = True
    return torch.where(known[:, None], embedding, torch.zeros_like(embedding))


def _write(out: Path, model: Any, facts: dict[str, Any]) -> None:
    import open_clip
    import torch
    from safetensors.torch import save_file

    state = {k: (v.half() if v.dtype == torch.float32 else v).contiguous() for k, v in model.state_dict().items()}
    state["token_embedding.weight"] = only_known(state["token_embedding.weight"], open_clip.get_tokenizer(MODEL))
    out.mkdir(parents=True, exist_ok=True)
    save_file(state, str(out / f"{MODEL}.safetensors"))
    (out / f"{MODEL}.training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--start", type=Path, default=None)
    a = parser.parse_args()
    train(a.out, a.steps, a.batch, a.seed, a.threads, a.every, a.lr, a.start)
