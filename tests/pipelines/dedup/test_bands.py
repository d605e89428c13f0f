"""Candidate pairs, hot buckets, and recall against theory."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from pipelines.dedup.bands import candidates
from pipelines.dedup.minhash import band_keys, match_probability, signatures
from pipelines.dedup.shingles import Texts, plain_shingles, shingles
from tests.support.dedup_corpus import edited, sentence


def test_every_pair_of_a_small_bucket_once() -> None:
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 60, 900).astype(np.uint64)
    rows = np.tile(np.arange(300), 3).astype(np.uint64)
    a, b, hot = candidates(keys, rows, rows, all_pairs=10_000)
    expected = set()
    for key in np.unique(keys):
        expected |= {(min(p), max(p)) for p in itertools.combinations(rows[keys == key].tolist(), 2) if p[0] != p[1]}
    assert list(zip(a.tolist(), b.tolist(), strict=True)) == sorted(expected)
    assert hot == 0


def test_a_hot_bucket_is_linear_and_the_same_in_any_order() -> None:
    n = 200_000
    keys = np.concatenate([np.zeros(n // 2, np.uint64), np.arange(1, n // 2 + 1, dtype=np.uint64)])  # half of all in one bucket
    rng = np.random.default_rng(2)
    ids, rows = rng.integers(0, 1 << 63, n).astype(np.uint64), np.arange(n, dtype=np.uint64)
    a, b, hot = candidates(keys, ids, rows, all_pairs=64, leaders=8)
    assert hot == 1
    assert len(a) == sum(n // 2 - 1 - i for i in range(8))
    leaders = set(rows[: n // 2][np.argsort(ids[: n // 2])[:8]].tolist())
    assert all(x in leaders or y in leaders for x, y in zip(a[:1000].tolist(), b[:1000].tolist(), strict=True))
    order = rng.permutation(n)
    again = candidates(keys[order], ids[order], rows[order], all_pairs=64, leaders=8)
    assert (a == again[0]).all() and (b == again[1]).all()


def test_nothing_in_nothing_out() -> None:
    none = np.zeros(0, np.uint64)
    assert [len(x) for x in candidates(none, none, none)[:2]] == [0, 0]


def test_recall_follows_theory(capsys: pytest.CaptureFixture[str]) -> None:
    """Pairs of known Jaccard: the share that meets in a band is 1 - (1 - s^8)^14 within sampling error."""
    rng = random.Random(4)
    bins: dict[float, list[bool]] = {}
    texts = []
    for _ in range(1_000):
        base = sentence(rng, 200)
        texts += [" ".join(base), " ".join(edited(base, rng, rng.randrange(1, 13)))]
    hashes, offsets = shingles(Texts.of(texts))
    keys = band_keys(signatures(hashes, offsets, 112), 14, 8)
    expected: dict[float, list[float]] = {}
    for i in range(0, len(texts), 2):
        x, y = plain_shingles([texts[i]]), plain_shingles([texts[i + 1]])
        s = len(x & y) / len(x | y)
        bins.setdefault(round(s, 1), []).append(bool((keys[i] == keys[i + 1]).any()))
        expected.setdefault(round(s, 1), []).append(match_probability(s))
    assert len(bins) >= 5
    with capsys.disabled():
        print("\nLSH 14 x 8, recall measured / theory at Jaccard about:", end=" ")
        print(", ".join(f"{s}: {np.mean(bins[s]):.3f} / {np.mean(expected[s]):.3f} ({len(bins[s])} pairs)" for s in sorted(bins)))
    for s, hits in bins.items():
        p = float(np.mean(expected[s]))
        assert abs(np.mean(hits) - p) < 0.01 + 4 * np.sqrt(p * (1 - p) / len(hits))
