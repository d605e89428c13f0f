"""Both ways to connected components against a union-find that anyone can read."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.dedup.components import both_ways, large_star, local, not_stars, small_star


def union_find(a: np.ndarray, b: np.ndarray) -> dict[int, int]:
    parent: dict[int, int] = {}

    def root(x: int) -> int:
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        low, high = sorted((root(x), root(y)))
        parent[high] = low
    return {x: root(x) for x in parent}


def rounds(a: np.ndarray, b: np.ndarray, partitions: int) -> tuple[dict[int, int], int]:
    """Alternating rounds over `partitions` that see only their own nodes, as in the pipeline."""

    def split(node: np.ndarray, other: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(node[node % partitions == p], other[node % partitions == p]) for p in range(partitions)]

    def joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
        return np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])

    for count in range(64):
        parts = split(*both_ways(a, b))
        left = sum(not_stars(n, o, n > o) for n, o in parts)
        a, b = joined([large_star(n, o) for n, o in parts])
        if not left:
            labels = dict(zip(a.tolist(), b.tolist(), strict=True))
            return labels | {x: x for x in labels.values()}, count
        a, b = joined([small_star(n, o) for n, o in split(a, b)])
    raise AssertionError("no convergence")


def graphs() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(1)
    ids = rng.permutation(1 << 20)[:4_000].astype(np.uint64)
    line = np.arange(1_000)
    tree = rng.integers(0, np.arange(1, 2_000))
    return {
        "chain": (ids[line[:-1]], ids[line[1:]]),
        "chain in order": (np.arange(999, dtype=np.uint64), np.arange(1, 1_000, dtype=np.uint64)),
        "star": (np.full(500, ids[0]), ids[1:501]),
        "cliques": tuple(ids[np.array([(20 * c + i, 20 * c + j) for c in range(30) for i in range(20) for j in range(i)]).T]),
        "tree": (ids[np.arange(1, 2_000)], ids[tree]),
        "random": (ids[rng.integers(0, 4_000, 2_000)], ids[rng.integers(0, 4_000, 2_000)]),
        "repeated, both directions": (ids[[0, 1, 1, 0, 2]], ids[[1, 0, 2, 1, 1]]),
        "one edge": (ids[:1], ids[1:2]),
        "none": (ids[:0], ids[:0]),
    }


@pytest.mark.parametrize("name", graphs())
def test_same_components_three_ways(name: str) -> None:
    a, b = graphs()[name]
    different = a != b
    a, b = a[different], b[different]
    expected = union_find(a, b)
    nodes, labels = local(a, b)
    assert dict(zip(nodes.tolist(), labels.tolist(), strict=True)) == expected
    for partitions in (1, 7):
        found, count = rounds(a, b, partitions)
        assert found == expected
        assert count <= 12  # log2 of the longest path, and a little


def test_order_of_edges_does_not_matter() -> None:
    a, b = graphs()["random"]
    order = np.random.default_rng(2).permutation(len(a))
    for x, y in ((a[order], b[order]), (b, a)):
        assert all((p == q).all() for p, q in zip(local(a, b), local(x, y), strict=True))
