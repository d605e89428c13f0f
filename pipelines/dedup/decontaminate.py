"""Evaluation sets as files, and what of ours overlaps them.

A file's ending says what it holds, its name (up to the first dot) which evaluation set it is; lines that are empty or start with `#` do
not count:
    .txt      one text of the set per line (a question, a caption, an answer): its word n-grams are what is looked for
    .sha256   one image per line, 64 hex digits first (as `sha256sum` prints them)
    .pdq      one image per line, 64 hex digits first

Texts overlap if they share one n-gram of 13 words (GPT-3, arXiv 2005.14165 appendix C); texts of the set that are shorter are left out (a
short question is everywhere). Images overlap if their bytes are equal or their PDQ hashes are at most 31 bits apart, so a resized,
re-encoded test image is caught.

    sets = load(["mmmu.txt", "mmmu.pdq"])
    names = sets.of_texts(Texts.of([...]))          # per document: the set it overlaps, or ""
    names = sets.of_images(sha256s, pdqs)           # per image
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines import storage
from pipelines.dedup.images import PDQ_DISTANCE, parse_pdq, within
from pipelines.dedup.shingles import Texts, shingles

N = 13
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class EvaluationSetError(ValueError):
    """A file of an evaluation set cannot be used; names the file and line."""


@dataclass(frozen=True)
class EvaluationSets:
    names: tuple[str, ...]
    n: int
    grams: NDArray[np.uint64]  # sorted
    gram_set: NDArray[np.int32]  # which name
    sha256: dict[str, int]
    pdq: NDArray[np.uint64]
    pdq_set: NDArray[np.int32]

    def of_texts(self, texts: Texts) -> list[str]:
        """Per document the name of the set of its first shared n-gram, or ""."""
        hashes, offsets = shingles(texts, self.n)
        out = [""] * len(texts)
        if not len(self.grams) or not len(hashes):
            return out
        at = np.minimum(np.searchsorted(self.grams, hashes), len(self.grams) - 1)
        hits = np.flatnonzero(self.grams[at] == hashes)
        documents = np.searchsorted(offsets, hits, side="right") - 1
        for hit, d in zip(hits[::-1], documents[::-1], strict=True):
            out[d] = self.names[self.gram_set[at[hit]]]
        return out

    def of_images(self, sha256s: Sequence[str | None], pdqs: Sequence[str | None], max_distance: int = PDQ_DISTANCE) -> list[str]:
        """Per image the name of the set that holds it (the same bytes, else the nearest PDQ), or ""."""
        words, there = parse_pdq(pdqs)
        near = np.full(len(words), -1, np.int64)
        near[there] = within(words[there], self.pdq, max_distance)
        out = []
        for sha, n in zip(sha256s, near, strict=True):
            exact = self.sha256.get((sha or "").lower())
            out.append(self.names[exact] if exact is not None else self.names[self.pdq_set[n]] if n >= 0 else "")
        return out

    def __bool__(self) -> bool:
        return bool(len(self.grams) or self.sha256 or len(self.pdq))


def load(paths: Iterable[str], n: int = N) -> EvaluationSets:
    """Read evaluation sets; EvaluationSetError names what is wrong with a file."""
    names: list[str] = []
    texts: list[str] = []
    text_set: list[int] = []
    sha256: dict[str, int] = {}
    pdq: list[str] = []
    pdq_set: list[int] = []
    for path in sorted(paths):
        base = path.rsplit("/", 1)[-1]
        name, kind = base.partition(".")[0], base.rsplit(".", 1)[-1]
        if kind not in ("txt", "sha256", "pdq"):
            raise EvaluationSetError(f"{path}: an evaluation set is a .txt, .sha256 or .pdq file")
        if name not in names:
            names.append(name)
        which = names.index(name)
        for number, line in _lines(path):
            if kind == "txt":
                texts.append(line)
                text_set.append(which)
                continue
            found = _HEX.match(line)
            if found is None:
                raise EvaluationSetError(f"{path}:{number}: expected 64 hex digits first, found {line[:40]!r}")
            if kind == "sha256":
                sha256.setdefault(found[0].lower(), which)
            else:
                pdq.append(found[0].lower())
                pdq_set.append(which)
    grams, owner = _grams(texts, text_set, n)
    return EvaluationSets(tuple(names), n, grams, owner, sha256, parse_pdq(pdq)[0], np.array(pdq_set, np.int32))


def _grams(texts: list[str], text_set: list[int], n: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    if not texts:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    pieces = Texts.of(texts)
    hashes, offsets = shingles(pieces, n)
    words = np.diff(shingles(pieces, 1)[1])
    owner = np.repeat(np.array(text_set, np.int32), np.diff(offsets))
    long_enough = np.repeat(words >= n, np.diff(offsets))
    hashes, owner = hashes[long_enough], owner[long_enough]
    order = np.lexsort((owner, hashes))
    hashes, owner = hashes[order], owner[order]
    first = np.concatenate([[True], hashes[1:] != hashes[:-1]]) if len(hashes) else np.zeros(0, bool)
    return hashes[first], owner[first]


def _lines(path: str) -> Iterable[tuple[int, str]]:
    try:
        text = storage.read_bytes(path).decode("utf-8")
    except FileNotFoundError as e:
        raise EvaluationSetError(f"{path}: no such file") from e
    except UnicodeDecodeError as e:
        raise EvaluationSetError(f"{path}: not UTF-8 text ({e.reason} at byte {e.start})") from e
    for number, line in enumerate(io.StringIO(text), 1):
        line = line.strip()
        if line and not line.startswith("#"):
            yield number, line
