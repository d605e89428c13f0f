"""Copies of pictures against comparing every pair."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.dedup.images import group_copies, parse_pdq, semantic_duplicates, surplus, within


def _hashes(rng: np.random.Generator, bases: int, copies: int, flips: int) -> np.ndarray:
    base = rng.integers(0, 2, (bases, 256), dtype=np.uint8)
    out = [base]
    for _ in range(copies):
        flipped = base.copy()
        for row in flipped:
            row[rng.choice(256, rng.integers(0, flips + 1), replace=False)] ^= 1
        out.append(flipped)
    return np.concatenate(out)


def _hex(bits: np.ndarray) -> list[str]:
    return [np.packbits(b).tobytes().hex() for b in bits]


def _brute(bits: np.ndarray, limit: int) -> list[int]:
    distance = (bits[:, None, :] != bits[None, :, :]).sum(axis=2)
    label = list(range(len(bits)))
    changed = True
    while changed:
        changed = False
        for i, j in zip(*np.nonzero(distance <= limit), strict=True):
            low = min(label[i], label[j])
            if label[i] != low or label[j] != low:
                label[i] = label[j] = low
                changed = True
    return label


@pytest.mark.parametrize("limit", [0, 8, 15, 16, 31])
def test_groups_are_those_of_every_pair(limit: int) -> None:
    bits = _hashes(np.random.default_rng(limit), 60, 4, 36)
    labels = group_copies([None] * len(bits), _hex(bits), None, limit)
    assert labels.tolist() == _brute(bits, limit)


def test_bytes_and_looks_join() -> None:
    bits = _hashes(np.random.default_rng(1), 2, 1, 5)
    hexes = _hex(bits)  # 0 and 2 look alike, 1 and 3 look alike
    assert group_copies(["a", "b", "c", "d"], hexes).tolist() == [0, 1, 0, 1]
    assert group_copies(["a", "a", "c", "d"], hexes).tolist() == [0, 0, 0, 0]
    assert group_copies(["a", None, "a", None], [None, "", "zz", "0" * 63]).tolist() == [0, 1, 0, 3]
    assert group_copies(["a", "b", "c", "d"], hexes, [100, 100, 10, None]).tolist() == [0, 1, 2, 3]
    assert group_copies([], []).tolist() == []


def test_limits_are_named() -> None:
    with pytest.raises(ValueError, match="31"):
        group_copies(["a"], ["0" * 64], None, 32)
    with pytest.raises(ValueError, match="length"):
        group_copies(["a"], [])


def test_order_of_input_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    bits = _hashes(rng, 100, 3, 31)
    hexes = _hex(bits)
    labels = group_copies([None] * len(bits), hexes)
    order = rng.permutation(len(bits))
    shuffled = group_copies([None] * len(bits), [hexes[i] for i in order])
    groups = {frozenset(np.flatnonzero(labels == x)) for x in set(labels)}
    assert groups == {frozenset(order[np.flatnonzero(shuffled == x)]) for x in set(shuffled)}


def test_nearest_of_an_index() -> None:
    rng = np.random.default_rng(4)
    bits = _hashes(rng, 200, 1, 40)
    values, queries = bits[:200], bits[200:]
    found = within(parse_pdq(_hex(queries))[0], parse_pdq(_hex(values))[0], 31)
    distance = (queries[:, None, :] != values[None, :, :]).sum(axis=2)
    expected = np.where(distance.min(axis=1) <= 31, distance.argmin(axis=1), -1)
    assert found.tolist() == expected.tolist()
    assert (found == -1).any() and (found >= 0).any()


def test_surplus() -> None:
    labels = np.array([0, 0, 0, 3, 3, 5])
    ids = ["c", "a", "b", "y", "x", "z"]
    assert surplus(labels, ids, 2).tolist() == [True, True, True, False, False, False]
    assert surplus(labels, ids, 2, keep=1).tolist() == [True, False, True, False, False, False]
    assert surplus(labels, ids, 1, keep=1).tolist() == [True, False, True, True, False, False]
    assert surplus(np.zeros(0, np.int64), []).tolist() == []


def test_semantic_duplicates_keep_one_of_each() -> None:
    rng = np.random.default_rng(5)
    base = rng.normal(size=(300, 64)).astype(np.float32)
    base /= np.linalg.norm(base, axis=1, keepdims=True)
    twins = base[:100] + rng.normal(size=(100, 64)).astype(np.float32) * 0.01
    vectors = np.concatenate([base, twins])
    ids = [f"{i:08x}" for i in rng.permutation(400)]
    goes, twin = semantic_duplicates(vectors, ids, epsilon=0.05, clusters=4)
    assert goes.sum() == 100
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for i in np.flatnonzero(goes):
        assert not goes[twin[i]] and unit[i] @ unit[twin[i]] > 0.95 and abs(int(twin[i]) - i) == 300
    order = rng.permutation(400)
    again, _ = semantic_duplicates(vectors[order], [ids[i] for i in order], epsilon=0.05, clusters=4)
    assert set(np.flatnonzero(goes)) == set(order[np.flatnonzero(again)])
    assert not semantic_duplicates(vectors[:1], ids[:1])[0].any()
