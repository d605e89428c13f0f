"""Exact match on cases: the answer token, and that the turn ends after it, by greedy decoding (one forward pass, as answers are one token)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from trainer.index import read_bytes, read_json
from trainer.model.vlm import VLM
from trainer.read import Reader, Row
from trainer.text import chat_nodes


@dataclass(frozen=True)
class Mark:
    skill: str
    detail: str
    right: bool


@torch.no_grad()
def marks(model: VLM, reader: Reader, together: int = 32) -> list[Mark]:
    """One mark per conversation of the reader's first source (kind sft): its last turn, earlier turns as given.

    Right = the most likely token after the prompt is the answer, and the most likely one after that ends the turn.
    """
    model.eval()
    source, out = reader.sources[0], []
    for start in range(0, len(source.entries), together):
        row, asked = Row(reader), []
        for entry in source.entries[start : start + together]:
            data = read_bytes(entry)
            doc = read_json(entry, data)
            used = chat_nodes(doc, reader.tok)[:-1]
            pictures = {i: row.picture(reader.images(entry, doc, data, n.image), n) for i, n in enumerate(used) if n.ids is None}
            row.fill(used, pictures, ends=False, cut=False)
            asked.append((doc["skill"], doc["detail"], len(used[-1].ids or ())))
        batch = row.done()
        best = model.logits(batch).argmax(-1).tolist()
        tokens = batch.tokens.tolist()
        for (skill, detail, n), end in zip(asked, batch.cu[1:], strict=True):
            out.append(Mark(skill, detail, best[end - n - 1 : end - 1] == tokens[end - n : end]))
    return out


def wilson(right: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share (Wilson's score interval)."""
    if not n:
        return 0.0, 1.0
    p, d = right / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    middle = (p + z * z / (2 * n)) / d
    return max(0.0, middle - half), min(1.0, middle + half)


def tally(some: Iterable[Mark]) -> dict[str, dict[str, list[int]]]:
    """skill -> {"": [right, n], detail: [right, n], ...}"""
    out: dict[str, dict[str, list[int]]] = {}
    for m in some:
        for detail in ("", m.detail) if m.detail else ("",):
            cell = out.setdefault(m.skill, {}).setdefault(detail, [0, 0])
            cell[0] += m.right
            cell[1] += 1
    return out
