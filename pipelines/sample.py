"""A small input like the large one: evenly spaced pieces of its archives, written as archives of their own."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pipelines import storage
from pipelines.web.inputs import WHOLE, Unit
from pipelines.web.members import next_header, next_member
from pipelines.web.source import Source, is_remote
from pipelines.web.warc import read_records

ASKED = 16  # remote archives of unknown size that are asked for it; the others are taken to be like them


@dataclass(frozen=True)
class Piece:
    """Compressed bytes [start, end) of an archive, before they are moved to the borders of records."""

    path: str
    start: int
    end: int


@dataclass(frozen=True)
class Sizes:
    """Compressed bytes of each unit; `guessed` of them are the mean of those that were asked."""

    units: tuple[int, ...]
    guessed: int = 0

    @property
    def total(self) -> int:
        return sum(self.units)


def sizes(units: Sequence[Unit]) -> Sizes:
    """What the units measure. Local files are looked at, remote ones of unknown size asked, `ASKED` of them evenly spaced.
    SourceError if one that is asked cannot be opened."""
    known = {i: n for i, u in enumerate(units) if (n := _known(u)) >= 0}
    open_ended = [i for i in range(len(units)) if i not in known]
    for i in open_ended[:: max(1, len(open_ended) // ASKED)]:
        with Source(units[i].path) as source:
            known[i] = source.size - units[i].start
    asked = [known[i] for i in open_ended if i in known]
    usual = sum(asked) // len(asked) if asked else 0
    return Sizes(tuple(known.get(i, usual) for i in range(len(units))), len(open_ended) - len(asked))


def _known(u: Unit) -> int:
    """-1: only the server knows."""
    if u.pointers:
        return sum(n for _, _, n in u.pointers)
    if u.end < WHOLE:
        return u.end - u.start
    if is_remote(u.path):
        return -1
    path = u.path.removeprefix("file://")
    return os.path.getsize(path) - u.start if os.path.exists(path) else 0


def choose(units: Sequence[Unit], sizes: Sizes, pieces: int, piece_bytes: int) -> list[Piece]:
    """Evenly spaced pieces of those archives that can be cut (gzip and plain WARCs), none overlapping another."""
    cuttable = [
        (u, n) for u, n in zip(units, sizes.units, strict=True) if not u.pointers and u.path.endswith((".warc.gz", ".warc")) and n > 0
    ]
    ends = list(accumulate(n for _, n in cuttable))
    out: list[Piece] = []
    for i in range(pieces if ends else 0):
        at = ends[-1] * (2 * i + 1) // (2 * pieces)
        where = bisect_right(ends, at)
        u, n = cuttable[where]
        at -= ends[where] - n
        end = u.start + min(n, at + piece_bytes)
        start = max(u.start, end - piece_bytes)
        if all(start >= o.end or end <= o.start or u.path != o.path for o in out):
            out.append(Piece(u.path, start, end))
    return out


@dataclass(frozen=True)
class Copied:
    """A piece on its own: an archive with so many compressed bytes and pages."""

    path: str
    bytes: int
    pages: int


def copy(pieces: Sequence[Piece], folder: str) -> list[Copied]:
    """Each piece that holds a record as an archive `folder`/piece-NNN.warc[.gz]."""
    out: list[Copied] = []
    for i, p in enumerate(pieces):
        with Source(p.path) as source:
            border = next_member if p.path.endswith(".gz") else next_header
            start = border(source, p.start, source.size) if p.start else 0
            end = border(source, p.end, source.size) if p.end < source.size else source.size
            if end <= start:
                continue
            path = storage.join(folder, f"piece-{i:03d}{_suffix(p.path)}")
            storage.write_bytes(path, source.read_at(start, end - start))
        out.append(Copied(path, end - start, sum(1 for _ in read_records(path))))
    return out


def joined(pieces: Sequence[Copied], archives: int, folder: str) -> list[str]:
    """The pieces laid end to end in `archives` archives, or a few more if there are both kinds: a small sample cut into many units of
    work would pay for more of them than a large input has for its size."""
    parts: dict[str, list[str]] = {}
    for i, p in enumerate(pieces):
        parts.setdefault(f"sample-{i % archives:03d}{_suffix(p.path)}", []).append(p.path)
    for name, paths in parts.items():
        storage.write_bytes(storage.join(folder, name), b"".join(storage.read_bytes(path) for path in paths))
    return [storage.join(folder, name) for name in sorted(parts)]


def _suffix(path: str) -> str:
    return ".warc.gz" if path.endswith(".gz") else ".warc"
