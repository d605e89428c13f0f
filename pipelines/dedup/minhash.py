"""MinHash signatures in datasketch's format, and their bands.

Format: datasketch >= 2.0, scheme `affine32`: a shingle's 32-bit hash is mixed by MurmurHash3's finaliser, permutation k maps it to
`a[k] * h + b[k] mod 2^32`, the signature holds the smallest value of each. `a` and `b` come from the same seeded generator, so
`datasketch.MinHash(num_perm, seed, scheme="affine32", hashvalues=signature)` continues one of ours and the other way round.

Bands x rows: two texts of Jaccard similarity s share a band with probability 1 - (1 - s^rows)^bands. Default 14 x 8 (FineWeb, arXiv
2406.17557 appendix E.1): 0.56, 0.77, 0.92, 0.988 at s = 0.70, 0.75, 0.80, 0.85.
"""

from __future__ import annotations

from functools import cache

import numba
import numpy as np
from numpy.typing import NDArray

from pipelines.dedup.shingles import _mix

EMPTY = np.uint32(0xFFFFFFFF)  # what datasketch holds before the first update


@cache
def permutations(count: int, seed: int = 1) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """datasketch's (a, b) for `num_perm=count, seed=seed`; numpy keeps RandomState's stream fixed."""
    gen = np.random.RandomState(seed)
    a = gen.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = gen.randint(0, 1 << 32, count, dtype=np.uint32)
    return a, b


def signatures(hashes: NDArray[np.uint64], offsets: NDArray[np.int64], count: int, seed: int = 1) -> NDArray[np.uint32]:
    """One row of `count` values per document (see `shingles.shingles`); all ones for a document without shingles. The low 32 bits of
    a shingle's hash are what datasketch would get from its hash function."""
    a, b = permutations(count, seed)
    out = np.empty((len(offsets) - 1, count), np.uint32)
    longest = int(np.diff(offsets).max()) if len(out) else 0
    _signatures(hashes, offsets, a, b, np.empty(longest, np.uint32), out)
    return out


@numba.njit(cache=True, nogil=True)
def _signatures(hashes, offsets, a, b, mixed, out):  # type: ignore[no-untyped-def]
    for d in range(len(offsets) - 1):
        given = hashes[offsets[d] : offsets[d + 1]]
        m = mixed[: len(given)]  # loops over whole views become vector code (13 times faster than indexing the big array)
        for i in range(len(m)):
            h = np.uint32(given[i])
            h ^= h >> np.uint32(16)
            h = np.uint32(h * np.uint32(0x85EBCA6B))
            h ^= h >> np.uint32(13)
            h = np.uint32(h * np.uint32(0xC2B2AE35))
            m[i] = h ^ (h >> np.uint32(16))
        for k in range(len(a)):
            ak, bk, least = a[k], b[k], np.uint32(0xFFFFFFFF)
            for i in range(len(m)):
                v = np.uint32(np.uint32(ak * m[i]) + bk)
                if v < least:
                    least = v
            out[d, k] = least


def plain_signatures(hashes: NDArray[np.uint64], offsets: NDArray[np.int64], count: int, seed: int = 1) -> NDArray[np.uint32]:
    """The same in numpy: short, slow, the oracle."""
    a, b = permutations(count, seed)
    h = hashes.astype(np.uint32)
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    parts = (h[begin:end] for begin, end in zip(offsets[:-1], offsets[1:], strict=True))
    rows = [(a * p[:, None] + b).min(axis=0) if len(p) else np.full(count, EMPTY) for p in parts]
    return np.array(rows, np.uint32).reshape(len(offsets) - 1, count)


def estimate(x: NDArray[np.uint32], y: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Jaccard similarity as estimated by two signatures (rows of two matrices): the share of equal values."""
    return (x == y).mean(axis=-1)


def band_keys(signature: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """A 64-bit key per document and band; equal keys = equal band (the band's number is part of it). A document without shingles has
    keys too: leave it out before."""
    if signature.shape[1] < bands * rows:
        raise ValueError(f"{bands} bands x {rows} rows need {bands * rows} hashes, the signatures have {signature.shape[1]}")
    out = np.empty((len(signature), bands), np.uint64)
    _band_keys(signature, rows, out)
    return out


@numba.njit(cache=True, nogil=True)
def _band_keys(signature, rows, out):  # type: ignore[no-untyped-def]
    prime = np.uint64(0x100000001B3)
    for d in range(out.shape[0]):
        for band in range(out.shape[1]):
            h = _mix(np.uint64(band + 1) * np.uint64(0x9E3779B97F4A7C15))
            for r in range(rows):
                h = _mix((h ^ np.uint64(signature[d, band * rows + r])) * prime)
            out[d, band] = h


def match_probability(similarity: float, bands: int = 14, rows: int = 8) -> float:
    """That two texts of this Jaccard similarity share at least one band."""
    return 1 - (1 - similarity**rows) ** bands
