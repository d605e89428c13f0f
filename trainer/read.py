"""Spans to tensors: one pread a document, images decoded to uint8 patches, holes where something is broken."""

from __future__ import annotations

import os
import zlib
from collections import OrderedDict
from collections.abc import Iterator

import torch

from trainer.batch import Batch
from trainer.image import BadImage, crops, decode, patches
from trainer.index import Entry, Index, read_bytes, read_json
from trainer.plan import Costs, Pack, Plan, Span
from trainer.remote import ShardCache
from trainer.text import IGNORE, Bytes, Node, Tokens, nodes


class Reader:
    """Makes the batch of a pack. `loss`: all | answers | after_image; `bad`: image | document.

    `tokens`, `patches`: what a pack holds (patches 0: any number); a node larger than that is cut or left out, and named in `Batch.bad`.
    `memory`: bytes of decoded pictures that are kept, the least recently used dropped first. `shards`: where remote shards are kept.
    """

    def __init__(
        self, sources: list[Index], tok: Bytes | Tokens, costs: Costs, tokens: int, *,
        loss: str = "all", bad: str = "image", patches: int = 0, memory: int = 0, shards: ShardCache | None = None,
    ):  # fmt: skip
        self.sources, self.tok, self.costs, self.tokens, self.patches = sources, tok, costs, tokens, patches
        self.loss, self.bad, self.memory, self.shards = loss, bad, memory, shards
        self.kept = OrderedDict[tuple[str, int, int], list[torch.Tensor]]()
        self.held = 0  # bytes in `kept`

    def batch(self, pack: Pack) -> Batch:
        row = Row(self)
        for span in pack.spans:
            row.document(span)
        out = row.done()
        out.number = pack.number
        return out

    def images(self, entry: Entry, doc: dict, data: bytes, at: int) -> bytes:
        """Bytes of the image at place `at` of the document."""
        if not entry.members:
            name = doc["images"][at]
            root = os.path.realpath(os.path.dirname(entry.file))
            file = os.path.realpath(os.path.join(root, name))
            if os.path.commonpath([root, file]) != root:
                raise BadImage(f"{name!r} lies outside {root}")
            try:
                with open(file, "rb") as f:
                    return f.read()
            except OSError as e:
                raise BadImage(str(e)) from e
        for name, offset, size in entry.members:
            if name == doc["images"][at]:
                return data[offset : offset + size]
        raise BadImage(f"member {doc['images'][at]!r} is missing")


class Row:
    """A pack in the making."""

    def __init__(self, reader: Reader):
        self.r = reader
        self.ids: list[int] = []
        self.positions: list[int] = []
        self.labels: list[int] = []
        self.cu = [0]
        self.grids: list[tuple[int, int]] = []
        self.patches: list[torch.Tensor] = []
        self.slots: list[int] = []
        self.runs: list[tuple[int, int, int, int]] = []
        self.provenance: list[dict] = []
        self.bad: list[dict] = []

    def document(self, span: Span) -> None:
        source = self.r.sources[span.source]
        entry = source.entries[span.doc]
        where = {"source": source.name, "key": entry.key, "file": entry.file, "offset": entry.offset, "nodes": [span.first, span.last]}
        try:
            data = read_bytes(entry, self.r.shards)
            doc = read_json(entry, data)
            all_nodes = nodes(doc, source.kind, self.r.tok)
        except (ValueError, KeyError, TypeError, OSError) as e:
            self.bad.append({**where, "what": "document", "error": f"{type(e).__name__}: {e}"})
            return
        pictures: dict[int, list[torch.Tensor]] = {}
        used = all_nodes[span.first : span.last]
        skipped = sum(n.ids is None for n in all_nodes[: span.first])
        most = self.r.costs.images.max_per_document
        for place, n in enumerate(used):
            if n.ids is None:
                skipped += 1
                if most and skipped > most:
                    continue
                try:
                    pictures[place] = self.kept(entry, doc, data, n)
                except (BadImage, zlib.error) as e:
                    self.bad.append({**where, "what": "image", "image": n.image, "error": str(e)})
                    if self.r.bad == "document":
                        return
        self.provenance.append({**where, "tokens": [len(self.ids), 0]})
        lost = self.fill(used, pictures, ends=span.last == len(all_nodes))
        if lost:
            error = f"a node larger than a pack of {self.r.tokens} tokens: {lost} left out"
            self.bad.append({**where, "what": "text", "error": error, "lost": lost})
        self.provenance[-1]["tokens"][1] = len(self.ids)

    def kept(self, entry: Entry, doc: dict, data: bytes, node: Node) -> list[torch.Tensor]:
        """The node's picture, decoded now or earlier (`Reader.memory`)."""
        r, key = self.r, (entry.file, entry.offset, node.image)
        if key in r.kept:
            r.kept.move_to_end(key)
            return r.kept[key]
        made = self.picture(r.images(entry, doc, data, node.image), node)
        if r.memory:
            r.kept[key], r.held = made, r.held + sum(p.numel() for p in made)
            while r.held > r.memory:
                r.held -= sum(p.numel() for p in r.kept.popitem(last=False)[1])
        return made

    def picture(self, data: bytes, node: Node) -> list[torch.Tensor]:
        pixels = None if node.size[0] else decode(data)
        w, h = node.size if pixels is None else (pixels.shape[2], pixels.shape[1])
        cells = self.r.costs.grids(w, h)
        if self.r.patches and (size := sum(a * b for a, b in cells)) > self.r.patches:
            raise BadImage(f"{size} patches: a pack holds {self.r.patches}")
        if pixels is None:
            zoom = self.r.costs.patch * (1 if len(cells) == 1 else 2)  # quarters are cut before they are resized
            pixels = decode(data, (cells[0][0] * zoom, cells[0][1] * zoom))
        return [patches(c, g, self.r.costs.patch) for c, g in zip(crops(pixels, len(cells)), cells, strict=True)]

    def fill(self, used: list[Node], pictures: dict[int, list[torch.Tensor]], *, ends: bool, cut: bool = True) -> int:
        """Token ids, labels and image slots of one document: BOS, nodes, and EOS where the document ends here.

        Only a lone node larger than a pack is cut (`cut`), never inside an image. Returns how many tokens were left out.
        """
        r, tok = self.r, self.r.tok
        ids, counts = [tok.bos], [False]  # counts: may be a target
        visual: list[tuple[int, int, list[torch.Tensor]]] = []  # first token, end, crops
        for place, n in enumerate(used):
            if n.ids is not None:
                ids += n.ids
                counts += [r.loss == "all" or (r.loss == "answers" and n.answer) or (r.loss == "after_image" and bool(visual))] * len(n.ids)
            elif place in pictures:
                if ids[-1] == tok.fake:  # two neighbours share one fake token
                    ids.pop(), counts.pop()
                begin = len(ids)
                if r.costs.inline:
                    for p in pictures[place]:
                        ids += [tok.fake, *[tok.image] * r.costs.crop_tokens(_grid(p))]
                    ids.append(tok.fake)
                else:
                    ids += [tok.fake, tok.image, tok.fake]
                counts += [False] * (len(ids) - len(counts))
                visual.append((begin, len(ids), pictures[place]))
        if ends:
            ids.append(tok.eos)
            counts.append(r.loss == "all" or (r.loss == "answers" and counts[-1]))
        whole = len(ids)
        if cut and whole > r.tokens:
            most = next((a for a, b, _ in visual if b > r.tokens), r.tokens)
            ids, counts, visual = ids[:most], counts[:most], [v for v in visual if v[0] < most]
        self._append(ids, counts, visual)
        return whole - len(ids)

    def _append(self, ids: list[int], counts: list[bool], visual: list[tuple[int, int, list[torch.Tensor]]]) -> None:
        base = len(self.ids)
        for n, (at, _, crop) in enumerate(visual):
            until = visual[n + 1][0] if n + 1 < len(visual) else len(ids)
            self.runs.append((base + at, base + until, len(self.grids), len(self.grids) + len(crop)))
            self.patches += crop
            self.grids += [_grid(p) for p in crop]
        if self.r.costs.inline:
            self.slots += [base + i for a, b, _ in visual for i in range(a, b) if ids[i] == self.r.tok.image]
        self.ids += ids
        self.positions += range(len(ids))
        self.labels += [t if c else IGNORE for t, c in zip(ids[1:], counts[1:], strict=True)] + [IGNORE]
        self.cu.append(len(self.ids))

    def done(self) -> Batch:
        tok = self.r.tok
        if not self.ids:  # a pack of nothing but holes
            self.ids, self.positions, self.labels, self.cu = [tok.bos], [0], [IGNORE], [0, 1]
        size = 3 * self.r.costs.patch**2
        long = {"dtype": torch.int64}
        flat = [p.reshape(-1, size) for p in self.patches]
        return Batch(
            torch.tensor(self.ids, **long), torch.tensor(self.positions, **long), torch.tensor(self.labels, **long), self.cu,
            torch.cat(flat) if flat else torch.zeros(0, size, dtype=torch.uint8), self.grids, torch.tensor(self.slots, **long),
            self.runs, self.provenance, self.bad,
        )  # fmt: skip


def _grid(crop: torch.Tensor) -> tuple[int, int]:
    return crop.shape[0], crop.shape[1]


class Packs(torch.utils.data.Dataset):
    """Pack number -> batch; the sampler's numbers are the whole order, so workers change nothing."""

    def __init__(self, plan: Plan, reader: Reader, last: int):
        self.plan, self.reader, self.last = plan, reader, last

    def __len__(self) -> int:
        return self.last

    def __getitem__(self, number: int) -> Batch:
        return self.reader.batch(self.plan[number])


def stream(plan: Plan, reader: Reader, numbers: list[int], workers: int = 0) -> Iterator[Batch]:
    """Batches of these packs in order."""
    data = Packs(plan, reader, max(numbers, default=0) + 1)
    if not workers:
        return (data[n] for n in numbers)
    if numbers:
        plan[max(numbers)]  # planned once here, not in every worker
    return iter(torch.utils.data.DataLoader(data, batch_size=None, sampler=numbers, num_workers=workers, prefetch_factor=2))
