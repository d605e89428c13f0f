"""Questions for a model that has only read pages: the beginning of a caption, and which word goes on, among those that could.

Pictures are the demo's own, of stream names that its web does not use. Scored by restricted choice: the likeliest of the
choices, one token each; chance is one over their number.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from ablation.score import Mark
from demo.captions import NUMBERS, PLURAL
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import COLOURS, SHAPES, Scene, make
from trainer.index import read_bytes, read_json
from trainer.model.vlm import VLM
from trainer.read import Reader, Row
from trainer.text import Node

OPENINGS = ("In the picture you can see", "A picture of", "This image shows", "What the picture has to show is")
SKILLS = {"count": ("one", "two", "three", "four", "five"), "colour": tuple(COLOURS), "shape": SHAPES, "relation": ()}
CHANCE = {"count": 1 / 5, "colour": 1 / 8, "shape": 1 / 6, "relation": 1 / 2}


@dataclass(frozen=True)
class Cloze:
    scene: Scene
    skill: str
    prompt: str
    choices: tuple[str, ...]
    answer: str


def questions(per_skill: int, *name: object) -> Iterator[Cloze]:
    """`per_skill` of each skill."""
    for skill in SKILLS:
        for i in range(per_skill):
            draw = Stream("cloze", skill, i, *name)
            scene = make("cloze-held-out", skill, i, *name, kind="relation" if skill == "relation" else "count")
            g, opening = scene.groups[0], draw.pick(OPENINGS)
            nouns = [s if g.count == 1 else PLURAL.get(s, s + "s") for s in SHAPES]
            if skill == "count":
                yield Cloze(scene, skill, opening, SKILLS["count"], NUMBERS[g.count])
            elif skill == "colour":
                yield Cloze(scene, skill, f"{opening} {NUMBERS[g.count]}", SKILLS["colour"], g.colour)
            elif skill == "shape":
                yield Cloze(scene, skill, f"{opening} {NUMBERS[g.count]} {g.colour}", tuple(nouns), nouns[SHAPES.index(g.shape)])
            else:
                prompt = f"{opening} {'an' if g.colour == 'orange' else 'a'} {g.colour} {g.shape}"
                upright = scene.relation in ("above", "below")
                yield Cloze(
                    scene,
                    skill,
                    prompt if upright else f"{prompt} to the",
                    ("above", "below") if upright else ("left", "right"),
                    scene.relation,
                )


def write(per_skill: int, folder: str) -> str:
    """`folder/cloze.jsonl` and pictures, whole or not at all."""
    if os.path.exists(os.path.join(folder, "cloze.jsonl")):
        return folder
    part = f"{folder}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.join(part, "pictures"))
    with open(os.path.join(part, "cloze.jsonl"), "w", encoding="utf-8") as f:
        for n, q in enumerate(questions(per_skill)):
            name = f"pictures/{n:05d}.jpg"
            with open(os.path.join(part, name), "wb") as g:
                g.write(encode(picture(q.scene), "jpg"))
            row: dict[str, Any] = {"images": [name], "texts": [], "size": [q.scene.width, q.scene.height], "skill": q.skill}
            f.write(json.dumps({**row, "prompt": q.prompt, "choices": q.choices, "answer": q.answer}, sort_keys=True) + "\n")
    os.makedirs(os.path.dirname(folder) or ".", exist_ok=True)
    os.rename(part, folder)
    return folder


@torch.no_grad()
def marks(model: VLM, reader: Reader, together: int = 32) -> list[Mark]:
    """One mark per line of the reader's first source: the likeliest choice's first token after picture and prompt is the answer's."""
    model.eval()
    source, tok, out = reader.sources[0], reader.tok, []
    for start in range(0, len(source.entries), together):
        row, asked = Row(reader), []
        for entry in source.entries[start : start + together]:
            data = read_bytes(entry)
            doc = read_json(entry, data)
            used = [Node(None, 0, size=tuple(doc["size"])), Node(tok.encode(doc["prompt"]))]
            row.fill(used, {0: row.picture(reader.images(entry, doc, data, 0), used[0])}, ends=False, cut=False)
            first = [tok.encode(f" {c}")[0] for c in doc["choices"]]
            if len(set(first)) != len(first):
                raise ValueError(f"{entry.key}: two of the choices {doc['choices']} begin with the same token")
            asked.append((doc["skill"], first, doc["choices"].index(doc["answer"])))
        batch = row.done()
        logits = model.logits(batch)
        for (skill, first, answer), end in zip(asked, batch.cu[1:], strict=True):
            out.append(Mark(skill, "", int(logits[end - 1][first].argmax()) == answer))
    return out
