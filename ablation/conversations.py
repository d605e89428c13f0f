"""Cases as files that the trainer reads: JSON lines in the Cauldron's layout and the pictures beside them."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence

from PIL import Image

from ablation.scenes import SKILLS, SQUARE, Case, case, draw_scene
from demo.rng import Stream

# how often a skill is trained on: what takes a small model longest is shown more often
MIX = {"count": 2, "colour": 2, "shape": 2, "relation": 2, "letter": 4, "box": 2, "lookup": 2}


def training(count: int, *name: object, sizes: tuple[tuple[int, int], ...] = SQUARE, skills: Sequence[str] = SKILLS) -> Iterator[Case]:
    """`count` cases of seen combinations, skills in turn by MIX."""
    turn = [s for s in skills for _ in range(MIX[s])]
    for i in range(count):
        yield case(*name, i, skill=turn[i % len(turn)], unseen=False, sizes=sizes)


def asked(per_skill: int, *name: object, sizes: tuple[tuple[int, int], ...] = SQUARE, skills: Sequence[str] = SKILLS) -> Iterator[Case]:
    """`per_skill` cases of each skill, of held-out combinations only."""
    for s in skills:
        for i in range(per_skill):
            yield case(*name, i, skill=s, unseen=True, sizes=sizes)


def write(cases: Iterable[Case], folder: str, split: float = 0.0) -> str:
    """Write `folder/cases.jsonl` and its pictures; the folder appears whole or not at all. Returns the folder.

    `split`: share of the cases whose pictures come as four quarters and the whole (the paper's image splitting).
    """
    if os.path.exists(os.path.join(folder, "cases.jsonl")):
        return folder
    part = f"{folder}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.join(part, "pictures"))
    with open(os.path.join(part, "cases.jsonl"), "w", encoding="utf-8") as f:
        for n, c in enumerate(cases):
            cut = Stream("split", n).fraction() < split
            names, dimensions = [], []
            for k, scene in enumerate(c.scenes):
                for j, image in enumerate(quarters(draw_scene(scene)) if cut else [draw_scene(scene)]):
                    names.append(f"pictures/{n:06d}-{k}-{j}.png")
                    dimensions.append(list(image.size))
                    image.save(os.path.join(part, names[-1]), compress_level=1)
            each = 5 if cut else 1
            turns = [{"user": t.question, "assistant": t.answer, "pictures": t.pictures * each} for t in c.turns]
            row = {"images": names, "sizes": dimensions, "skill": c.skill, "detail": c.detail, "texts": turns}
            f.write(json.dumps(row, sort_keys=True) + "\n")
    os.makedirs(os.path.dirname(folder) or ".", exist_ok=True)
    os.rename(part, folder)
    return folder


def quarters(image: Image.Image) -> list[Image.Image]:
    """Four quarters and the whole, as `trainer.image.crops` cuts."""
    w, h = image.size
    a, b = (w + 1) // 2, (h + 1) // 2
    boxes = ((0, 0, a, b), (w - a, 0, w, b), (0, h - b, a, h), (w - a, h - b, w, h))
    return [*(image.crop(box) for box in boxes), image]
