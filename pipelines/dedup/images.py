"""Copies of a picture, by its bytes, by its look, by its meaning. Pure functions over arrays; `select` calls them.

    labels = group_copies(sha256s, pdqs, qualities, max_distance=31)   # equal label = the same picture
    dropped = surplus(labels, ranks, max_copies=10)                    # True for what exceeds 10 copies of one picture
    dropped, twin = semantic_duplicates(vectors, ids, epsilon=0.05)    # SemDeDup, optional

All are deterministic and do not depend on the order of their input: ties are broken by what is passed as rank or id. All run in one
process over compact arrays (an image costs 32 bytes for its PDQ): 100 million images fit into 8 GB.
"""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

PDQ_DISTANCE = 31  # bits of 256: "the same picture" by PDQ's authors (Meta, The TMK+PDQF video-hashing algorithm, section on thresholds)
PDQ_QUALITY = 50  # below it PDQ's authors advise not to compare: a flat picture has no hash
COPIES = 10  # an image that occurs more often is decoration: OBELICS (URLs), MINT-1T (sha256), OmniCorpus (perceptual hash)
_CHUNKS = 16  # of 16 bits; with at most 31 bits apart, one chunk of 16 is at most 1 bit apart (pigeonhole)


def parse_pdq(pdqs: Sequence[str | None]) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """(n x 4 words, there) from 64 hex digits each; None, "" or anything else = not there."""
    raw = bytearray(32 * len(pdqs))
    there = np.zeros(len(pdqs), bool)
    for i, text in enumerate(pdqs):
        if text and len(text) == 64:
            try:
                raw[32 * i : 32 * i + 32] = bytes.fromhex(text)
                there[i] = True
            except ValueError:
                pass
    return np.frombuffer(bytes(raw), "<u8").reshape(-1, 4), there


def group_copies(
    sha256s: Sequence[str | None],
    pdqs: Sequence[str | None],
    qualities: Sequence[float | None] | None = None,
    max_distance: int = PDQ_DISTANCE,
    min_quality: float = PDQ_QUALITY,
) -> NDArray[np.int64]:
    """A label per image: the smallest position in its group. Two images are in one group if their bytes are equal (sha256) or their
    PDQ hashes are at most `max_distance` bits apart (0 to 31), directly or through others. A PDQ of low or unknown quality is
    compared only if `qualities` is None. Exact: the same groups as comparing every pair, by multi-index hashing (Norouzi et al.,
    CVPR 2012). ValueError for a distance that the index cannot answer."""
    n = len(sha256s)
    if len(pdqs) != n or (qualities is not None and len(qualities) != n):
        lengths = n, len(pdqs), n if qualities is None else len(qualities)
        raise ValueError(f"sha256, PDQ and quality lists have {lengths} entries: they must be of one length")
    parent = np.arange(n, dtype=np.int64)
    first: dict[str, int] = {}
    for i, sha in enumerate(sha256s):
        if sha:
            parent[i] = first.setdefault(sha, i)
    words, there = parse_pdq(pdqs)
    if qualities is not None:
        there &= np.array([q is not None and q >= min_quality for q in qualities], bool)
    members = np.flatnonzero(there)
    if len(members):
        values, index = np.unique(words[members], axis=0, return_inverse=True)  # equal hashes once, so that a flood of copies costs nothing
        index = index.reshape(-1)
        leader = np.full(len(values), n, np.int64)
        np.minimum.at(leader, index, members)
        near = _components(np.ascontiguousarray(values), max_distance)
        parent = _union(parent, members, leader[near[index]])
    return _flatten(parent)


def within(queries: NDArray[np.uint64], values: NDArray[np.uint64], max_distance: int = PDQ_DISTANCE) -> NDArray[np.int64]:
    """For each query hash the position of its nearest value at most `max_distance` bits away (ties: the first), or -1."""
    _check(max_distance)
    out = np.full(len(queries), -1, np.int64)
    if len(queries) and len(values):
        order, starts = _index(np.ascontiguousarray(values))
        _search(np.ascontiguousarray(queries), np.ascontiguousarray(values), order, starts, max_distance, out)
    return out


def surplus(labels: NDArray[np.int64], ranks: Sequence[str], max_copies: int = COPIES, keep: int | None = None) -> NDArray[np.bool_]:
    """True for the images that go because their group has more than `max_copies` members. `keep` = how many of such a group stay
    (those of the smallest rank); default 0, all go, as OBELICS does with URLs. Groups of up to `max_copies` stay whole."""
    order = np.lexsort((np.asarray(ranks, dtype=object).astype(str), labels)) if len(labels) else np.zeros(0, np.int64)
    sorted_labels = labels[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_labels[1:] != sorted_labels[:-1]])) if len(order) else order
    sizes = np.diff(np.append(starts, len(order)))
    position = np.arange(len(order)) - np.repeat(starts, sizes)
    out = np.zeros(len(labels), bool)
    out[order] = (np.repeat(sizes, sizes) > max_copies) & (position >= (keep or 0))
    return out


def semantic_duplicates(
    vectors: NDArray[np.float32], ids: Sequence[str], epsilon: float = 0.05, clusters: int = 0, rounds: int = 20
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """SemDeDup (arXiv 2303.09540): k-means on the sphere, then, within each cluster, an image goes if it is more similar than
    1 - epsilon (cosine) to one that stays; those far from the centroid (the unusual ones) are taken first, as in the paper. Returns
    (goes, position of the one it resembles or -1). `clusters` 0 = one per 1,000 images."""
    n = len(vectors)
    goes, twin = np.zeros(n, bool), np.full(n, -1, np.int64)
    if n < 2:
        return goes, twin
    order = np.argsort(np.asarray(ids, dtype=object).astype(str), kind="stable")
    unit = np.asarray(vectors, np.float32)[order]
    unit = unit / np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-12)
    centre, label = spherical_kmeans(unit, min(n, clusters or max(1, n // 1000)), rounds)
    for c in range(len(centre)):
        mine = np.flatnonzero(label == c)
        mine = mine[np.argsort(unit[mine] @ centre[c], kind="stable")]  # farthest first
        kept = np.empty(0, np.int64)
        for begin in range(0, len(mine), 512):
            block = mine[begin : begin + 512]
            pool = np.concatenate([kept, block])
            similar = unit[block] @ unit[pool].T
            alive = np.ones(len(pool), bool)
            for i in range(len(block)):
                row = similar[i, : len(kept) + i]
                row = np.where(alive[: len(row)], row, -2.0)
                if len(row) and row.max() > 1 - epsilon:
                    alive[len(kept) + i] = False
                    goes[order[block[i]]], twin[order[block[i]]] = True, order[pool[int(row.argmax())]]
            kept = pool[alive]
    return goes, twin


def spherical_kmeans(unit: NDArray[np.float32], k: int, rounds: int = 20) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(k centres, the centre of each row) of vectors of length one, by cosine. It starts from evenly spaced rows, so order the rows by
    something random and fixed, such as hashes of their names. Ends when nothing moves, or after `rounds`."""
    centre = unit[np.linspace(0, len(unit) - 1, k).astype(np.int64)].copy()
    label = np.zeros(len(unit), np.int64)
    for _ in range(rounds if k > 1 else 0):
        previous, label = label, nearest(unit, centre)
        if (label == previous).all():
            break
        order = np.argsort(label, kind="stable")
        starts = np.searchsorted(label[order], np.arange(k + 1))
        for c in range(k):
            mine = unit[order[starts[c] : starts[c + 1]]]
            if len(mine):
                mean = mine.sum(axis=0)
                centre[c] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return centre, label


def nearest(unit: NDArray[np.float32], centre: NDArray[np.float32], block: int = 8192) -> NDArray[np.int64]:
    """The centre of greatest cosine to each row; ties go to the first."""
    return np.concatenate([(unit[i : i + block] @ centre.T).argmax(axis=1) for i in range(0, len(unit), block)])


def _check(max_distance: int) -> None:
    if not 0 <= max_distance < 2 * _CHUNKS:
        raise ValueError(f"max_distance {max_distance}: the index answers 0 to {2 * _CHUNKS - 1} bits of 256")


def _index(values: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per chunk: positions sorted by the chunk's value, and where each of the 65,536 values starts."""
    chunks = values.view("<u2")
    order = np.argsort(chunks, axis=0, kind="stable").T.astype(np.int64)
    edges = np.arange((1 << 16) + 1)
    starts = np.stack([np.searchsorted(chunks[order[c], c], edges) for c in range(_CHUNKS)]).astype(np.int64)
    return np.ascontiguousarray(order), starts


def _components(values: NDArray[np.uint64], max_distance: int) -> NDArray[np.int64]:
    _check(max_distance)
    order, starts = _index(values)
    parent = np.arange(len(values), dtype=np.int64)
    _join(values, order, starts, max_distance, parent)
    return _flatten(parent)


def _union(parent: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    _link(parent, a, b)
    return parent


def _flatten(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    for i in range(len(parent)):
        parent[i] = _root(parent, i)
    return parent


@numba.njit(cache=True, nogil=True)
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@numba.njit(cache=True, nogil=True)
def _merge(parent, i, j):  # type: ignore[no-untyped-def]
    i, j = _root(parent, i), _root(parent, j)
    if i < j:
        parent[j] = i
    elif j < i:
        parent[i] = j


@numba.njit(cache=True, nogil=True)
def _link(parent, a, b):  # type: ignore[no-untyped-def]
    for i in range(len(a)):
        _merge(parent, a[i], b[i])


@numba.njit(cache=True, nogil=True)
def _bits(x):  # type: ignore[no-untyped-def]
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((x * np.uint64(0x0101010101010101)) >> np.uint64(56))


@numba.njit(cache=True, nogil=True)
def _distance(x, y, limit):  # type: ignore[no-untyped-def]
    d = _bits(x[0] ^ y[0])
    for w in range(1, 4):
        if d > limit:
            return d
        d += _bits(x[w] ^ y[w])
    return d


@numba.njit(cache=True, nogil=True)
def _join(values, order, starts, limit, parent):  # type: ignore[no-untyped-def]
    flips = 16 if limit >= 16 else 0  # up to 15 bits apart, one of 16 chunks is equal
    for c in range(16):
        for v in range(1 << 16):
            begin, end = starts[c, v], starts[c, v + 1]
            for p in range(begin, end):
                i = order[c, p]
                for q in range(p + 1, end):
                    j = order[c, q]
                    if _root(parent, i) != _root(parent, j) and _distance(values[i], values[j], limit) <= limit:
                        _merge(parent, i, j)
                for f in range(flips):
                    u = v ^ (1 << f)
                    if u > v:
                        for q in range(starts[c, u], starts[c, u + 1]):
                            j = order[c, q]
                            if _root(parent, i) != _root(parent, j) and _distance(values[i], values[j], limit) <= limit:
                                _merge(parent, i, j)


@numba.njit(cache=True, nogil=True)
def _search(queries, values, order, starts, limit, out):  # type: ignore[no-untyped-def]
    flips = 16 if limit >= 16 else 0
    for i in range(len(queries)):
        best, at = limit + 1, -1
        for c in range(16):
            chunk = np.int64((queries[i, c // 4] >> np.uint64(16 * (c % 4))) & np.uint64(0xFFFF))
            for f in range(-1, flips):
                u = chunk if f < 0 else chunk ^ (1 << f)
                for q in range(starts[c, u], starts[c, u + 1]):
                    j = order[c, q]
                    d = _distance(queries[i], values[j], limit)
                    if d < best or (d == best and d <= limit and j < at):
                        best, at = d, j
        out[i] = at
