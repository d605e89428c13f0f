"""The plan: which spans of which documents make up pack g. A pure function of index, lengths, configuration and seed.

Windows of documents (neighbouring shards stay together) are permuted, long documents cut between nodes, pieces packed
best-fit-decreasing, and packs permuted. Sources take turns by largest deficit of tokens. Pack g belongs to rank
g % world: no rank, worker or machine count enters the plan, so all of them see the same order.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from trainer.config import Images
from trainer.image import grids
from trainer.lengths import Length


class Span(NamedTuple):
    """Nodes first..last (exclusive) of document `doc` of source `source`, and what they cost at most."""

    source: int
    doc: int
    first: int
    last: int
    tokens: int
    patches: int


class Pack(NamedTuple):
    number: int
    epoch: int  # of its source
    spans: tuple[Span, ...]

    @property
    def tokens(self) -> int:
        return sum(s.tokens for s in self.spans)


@dataclass(frozen=True, slots=True)
class Costs:
    """What a node costs. `per_image`: tokens of one crop, 0 = one per `merge` x `merge` patches; `inline`: they sit in the text (ar)."""

    images: Images
    patch: int
    per_image: int
    merge: int = 1
    inline: bool = True

    def grids(self, width: int, height: int) -> list[tuple[int, int]]:
        return grids(width, height, self.images, self.patch, self.merge)

    def crop_tokens(self, grid: tuple[int, int]) -> int:
        return self.per_image or (grid[0] // self.merge) * (grid[1] // self.merge)

    def image(self, width: int, height: int) -> tuple[int, int]:
        """Text positions (with the fake tokens around) and patches."""
        cells = self.grids(width, height)
        patches = sum(a * b for a, b in cells)
        return (sum(self.crop_tokens(g) + 1 for g in cells) + 1 if self.inline else 3), patches


def costs_of(length: Length, costs: Costs) -> list[tuple[int, int]]:
    """(tokens, patches) per node; images beyond the limit per document cost nothing and are not read."""
    out = []
    seen = 0
    for t, w, h in zip(length.tokens, length.widths, length.heights, strict=True):
        if t >= 0:
            out.append((t, 0))
            continue
        seen += 1
        most = costs.images.max_per_document
        out.append((0, 0) if most and seen > most else costs.image(w, h))
    return out


def cut(source: int, doc: int, node_costs: list[tuple[int, int]], tokens: int, patches: int) -> list[Span]:
    """Spans of one document that fit the budget, cut only between nodes. BOS and EOS cost one each.

    A single node that is too large for an empty pack stands alone; text of it is truncated to the budget by the reader,
    an image of it is left out.
    """
    out: list[Span] = []
    first, t, p = 0, 2, 0
    for i, (a, b) in enumerate(node_costs):
        if (t + a > tokens or p + b > patches) and i > first:
            out.append(Span(source, doc, first, i, t, p))
            first, t, p = i, 2, 0
        t, p = min(tokens, t + a), min(patches, p + b)
    if first < len(node_costs):
        out.append(Span(source, doc, first, len(node_costs), t, p))
    return out


def best_fit_decreasing(spans: list[Span], tokens: int, patches: int) -> list[list[Span]]:
    """Packs within both budgets: the largest first, each into the fullest pack that still takes it."""
    room: list[tuple[int, int]] = []  # (tokens left, pack), sorted
    packs: list[list[Span]] = []
    left: list[int] = []
    for s in sorted(spans, key=lambda s: (-s.tokens, s)):
        at = bisect.bisect_left(room, (s.tokens, -1))
        while at < len(room) and left[room[at][1]] < s.patches:
            at += 1
        if at < len(room):
            free, n = room.pop(at)
        else:
            free, n = tokens, len(packs)
            packs.append([])
            left.append(patches)
        packs[n].append(s)
        left[n] -= s.patches
        bisect.insort(room, (free - s.tokens, n))
    return packs


def of_rank(packs: range, world: int, rank: int) -> list[int]:
    """The packs that one rank reads."""
    return [g for g in packs if g % world == rank]


def rng(*name: object) -> random.Random:
    return random.Random(int.from_bytes(hashlib.sha256(repr(name).encode()).digest()[:8], "big"))


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """One source, as the plan sees it."""

    name: str
    hash: str
    lengths: list[Length]
    share: float = 1.0


class Plan:
    """Packs by number, without end (epoch after epoch); computed as far as asked for."""

    def __init__(self, sources: list[SourcePlan], costs: Costs, *, tokens: int, patches: int, window: int = 4096, seed: int = 0):
        if not sources or any(s.share < 0 for s in sources) or sum(s.share for s in sources) <= 0:
            raise ValueError("a plan needs at least one source with a token share above 0")
        self.sources, self.costs, self.tokens, self.patches, self.window, self.seed = sources, costs, tokens, patches, window, seed
        about = {
            "sources": [(s.name, s.hash, s.share, len(s.lengths)) for s in sources], "costs": repr(costs), "tokens": tokens,
            "patches": patches, "window": window, "seed": seed, "rule": 1,
        }  # fmt: skip
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
        for s in sources:
            for x in s.lengths:
                digest.update(repr((x.tokens, x.widths, x.heights)).encode())
        self.hash = digest.hexdigest()[:16]
        self.given = [0] * len(sources)  # tokens so far, by source
        self._packs: list[Pack] = []
        self._streams = [self._stream(i) for i in range(len(sources))]

    def __getitem__(self, number: int) -> Pack:
        while len(self._packs) <= number:
            self._extend()
        return self._packs[number]

    def _extend(self) -> None:
        total, shares = sum(self.given), sum(s.share for s in self.sources)
        due = [(s.share / shares) * (total + self.tokens) - g for s, g in zip(self.sources, self.given, strict=True)]
        source = max((i for i, s in enumerate(self.sources) if s.share > 0), key=lambda i: (due[i], -i))
        epoch, spans = next(self._streams[source])
        pack = Pack(len(self._packs), epoch, spans)
        self.given[source] += pack.tokens
        self._packs.append(pack)

    def _stream(self, source: int) -> Iterator[tuple[int, tuple[Span, ...]]]:
        epoch = 0
        while True:
            yield from ((epoch, p) for p in self.epoch(source, epoch))
            epoch += 1

    def epoch(self, source: int, epoch: int) -> Iterator[tuple[Span, ...]]:
        """Packs of one pass over a source: every readable document exactly once."""
        lengths = self.sources[source].lengths
        starts = list(range(0, len(lengths), self.window))
        rng(self.seed, epoch, source, "windows").shuffle(starts)
        empty = True
        for start in starts:
            spans: list[Span] = []
            for d in range(start, min(start + self.window, len(lengths))):
                if lengths[d].tokens:
                    spans += cut(source, d, costs_of(lengths[d], self.costs), self.tokens, self.patches)
            packs = [tuple(p) for p in best_fit_decreasing(spans, self.tokens, self.patches)]
            rng(self.seed, epoch, source, start, "packs").shuffle(packs)
            for p in packs:
                empty = False
                order = list(p)
                rng(self.seed, epoch, source, p[0], "inside").shuffle(order)
                yield tuple(order)
        if empty:
            raise ValueError(f"source {self.sources[source].name!r} has no readable document")
