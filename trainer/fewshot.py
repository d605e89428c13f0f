"""Examples before a question: drawn at random, or the most similar pictures first found (RICES, arXiv 2109.05014).

Similarity is the cosine of the model's own vision tower, averaged over the first picture's patches.
"""

from __future__ import annotations

import hashlib

import torch
import torch.nn.functional as F

from trainer.index import Entry, read_bytes, read_json
from trainer.model.vlm import VLM
from trainer.plan import rng
from trainer.read import Reader, Row
from trainer.text import chat_nodes

Example = tuple[Entry, dict, bytes]


def asked_turn(doc: dict) -> dict:
    """The conversation's first turn alone, with its own pictures."""
    turn = doc["texts"][0]
    if "pictures" in turn:
        n = turn["pictures"]
        return {**doc, "texts": [turn], "images": doc["images"][:n], "sizes": doc["sizes"][:n]}
    return {**doc, "texts": [turn]}


class Examples:
    """`shots` examples for each question, out of the reader's first source (kind sft).

    `similar` False: drawn by `seed` and the question's key. True: the nearest by picture, the most similar last, next to the question;
    a question without a picture draws at random. An example with the question's own pictures (by bytes) is never shown.
    """

    def __init__(self, reader: Reader, model: VLM, shots: int, *, similar: bool = False, seed: int = 0):
        self.reader, self.shots, self.seed = reader, shots, seed
        self.model = model if similar else None
        self.pool: list[Example] = []
        for entry in reader.sources[0].entries:
            data = read_bytes(entry)
            self.pool.append((entry, asked_turn(read_json(entry, data)), data))
        self.digests = [self._digest(*e) for e in self.pool]
        with_picture = [i for i, (_, d, _) in enumerate(self.pool) if d.get("images")]
        self.rows = torch.tensor(with_picture, dtype=torch.int64)
        self.vectors = self._vectors([self.pool[i] for i in with_picture]) if similar and with_picture else None

    def of(self, entry: Entry, doc: dict, data: bytes) -> list[Example]:
        """The examples of one question, in the order in which they are shown."""
        own = self._digest(entry, doc, data)
        if self.vectors is not None and doc.get("images"):
            order = (self.vectors @ self._vectors([(entry, doc, data)])[0]).argsort(descending=True, stable=True)
            ranked = self.rows[order].tolist()
        else:
            ranked = list(range(len(self.pool)))
            rng(self.seed, entry.key).shuffle(ranked)
        fit = [i for i in ranked if self.pool[i][0] != entry and not (own and own == self.digests[i])]
        return [self.pool[i] for i in reversed(fit[: self.shots])]

    def _digest(self, entry: Entry, doc: dict, data: bytes) -> bytes:
        digest = hashlib.sha256()
        for i in range(len(doc.get("images") or [])):
            digest.update(hashlib.sha256(self.reader.images(entry, doc, data, i)).digest())
        return digest.digest() if doc.get("images") else b""

    @torch.no_grad()
    def _vectors(self, of: list[Example], together: int = 64) -> torch.Tensor:
        """Unit vectors (n, width) of the first pictures."""
        assert self.model is not None
        tower, out = self.model.vision.eval(), []
        for start in range(0, len(of), together):
            row = Row(self.reader)
            for entry, doc, data in of[start : start + together]:
                first = next(n for n in chat_nodes(doc, self.reader.tok) if n.ids is None)
                whole = row.picture(self.reader.images(entry, doc, data, first.image), first)[-1]  # after four crops: the picture itself
                row.patches.append(whole)
                row.grids.append((whole.shape[0], whole.shape[1]))
            flat = torch.cat([p.flatten(0, 1) for p in row.patches]).to(tower.patch.weight.device)
            parts = tower(flat, row.grids).split([a * b for a, b in row.grids])
            out += [F.normalize(p.mean(0), dim=0).float().cpu() for p in parts]
        return torch.stack(out)
