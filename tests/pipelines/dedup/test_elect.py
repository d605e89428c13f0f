"""Who stays of a group: quality, then the newest, then the smallest id, then the first place; whatever the order of the rows."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pyarrow as pa

from pipelines.dedup.elect import ranks, winners


def elected(*rows: tuple[int, float, int, int, int]) -> list[int]:
    """The place that stays, for each (group, quality, time, id, place); the same for every order of the rows."""
    found = set()
    for order in permutations(range(len(rows))):
        group, quality, time, ids, place = zip(*(rows[i] for i in order), strict=True)
        best = winners(
            np.array(group, np.uint64),
            np.array(quality, np.float64),
            np.array(time, np.int64),
            np.array(ids, np.uint64),
            np.array(place, np.uint64),
        )
        of = {rows[i][4]: place[b] for i, b in zip(order, best.tolist(), strict=True)}
        found.add(tuple(of[r[4]] for r in rows))
    (only,) = found
    return list(only)


def test_each_tie_is_broken_by_the_next():
    assert elected((1, 0.5, 9, 1, 10), (1, 0.6, 1, 2, 11)) == [11, 11]  # quality
    assert elected((1, 0.5, 1, 1, 10), (1, 0.5, 2, 2, 11)) == [11, 11]  # newest
    assert elected((1, 0.5, 1, 2, 10), (1, 0.5, 1, 1, 11)) == [11, 11]  # smallest id
    assert elected((1, 0.5, 1, 1, 11), (1, 0.5, 1, 1, 10)) == [10, 10]  # first place


def test_groups_are_apart_and_a_missing_quality_loses():
    nan = float("nan")
    assert elected((1, nan, 9, 1, 10), (1, -5.0, 1, 1, 11), (2, nan, 1, 1, 12), (2, nan, 2, 1, 13)) == [11, 11, 13, 13]


def test_a_group_is_both_words_of_its_key_and_so_is_an_id():
    group = np.array([[1, 1], [1, 2], [2, 1], [1, 1]], np.uint64)
    ids = np.array([[1, 9], [0, 0], [0, 0], [1, 8]], np.uint64)
    best = winners(group, np.zeros(4), np.zeros(4, np.int64), ids, np.arange(4, dtype=np.uint64))
    assert best.tolist() == [3, 1, 2, 3]


def test_nothing_elects_nobody():
    empty = np.zeros(0)
    assert winners(empty.astype(np.uint64), empty, empty.astype(np.int64), empty.astype(np.uint64), empty.astype(np.uint64)).tolist() == []
    assert ranks(pa.array([], pa.string())).tolist() == []


def test_ranks_order_like_the_strings():
    assert ranks(pa.array(["2026-01-02", "2025-12-31", "2026-01-02", ""])).tolist() == [2, 1, 2, 0]
