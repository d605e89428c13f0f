"""The table of places: every image that was fetched is found, and no other, whatever its id shares with others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.shards.locate import RECORD, Place, Places, Uses

A, B, C, D = 1, 2, 3, (1 << 64) - 1
USED = Uses(*(np.array(x, np.uint64) for x in ([A, A, A, B, D], [1, 5, 7, 2, D])), np.array([2, 1, 1, 3, 1]))


@pytest.mark.parametrize(
    ("key", "at"),
    [
        ((A, 1), 0),
        ((A, 5), 1),
        ((A, 7), 2),
        ((B, 2), 3),
        ((D, D), 4),
        ((A, 6), -1),
        ((A, 0), -1),
        ((A, 8), -1),
        ((C, 1), -1),
        ((0, 0), -1),
        ((D, 1), -1),
    ],
)
def test_keys_that_share_their_high_half_are_told_apart(key: tuple[int, int], at: int):
    assert USED.find(np.array([[key[0]], [key[1]]], np.uint64)).tolist() == [at]


def test_many_keys_at_once_are_found_as_one_by_one():
    rng = np.random.default_rng(1)
    keys = rng.integers(0, 5, (2, 300)).astype(np.uint64)
    pairs = sorted({(int(h), int(low)) for h, low in rng.integers(0, 5, (12, 2))})
    used = Uses(np.array([h for h, _ in pairs], np.uint64), np.array([low for _, low in pairs], np.uint64), np.ones(len(pairs), np.int64))
    expected = [pairs.index(k) if (k := (int(h), int(low))) in pairs else -1 for h, low in keys.T]
    assert used.find(keys).tolist() == expected and -1 in expected and max(expected) > 3


def test_nothing_used_and_nothing_asked():
    empty = Uses(np.zeros(0, np.uint64), np.zeros(0, np.uint64), np.zeros(0, np.int64))
    assert empty.find(np.ones((2, 3), np.uint64)).tolist() == [-1, -1, -1]
    assert USED.find(np.zeros((2, 0), np.uint64)).tolist() == []


def table_of(path: Path, keys: list[tuple[int, int]]) -> Places:
    rows = np.zeros(len(keys), RECORD)
    for i, (hi, lo) in enumerate(keys):
        rows[i] = (hi, lo, 10 * i, i + 1, bytes([i]) * 32, i % 2)
    path.write_bytes(rows["hi"].tobytes() + rows.tobytes())
    Path(f"{path}.json").write_text(json.dumps(["one", "two"]))
    return Places(str(path))


def test_places_are_found_by_the_whole_id(tmp_path: Path):
    keys = [(A, 5), (A, 7), (B, 1), (D, D)]
    places = table_of(tmp_path / "places", keys)
    for i, (hi, lo) in enumerate(keys):
        assert places.find(f"{hi:016x}{lo:016x}") == Place(["one", "two"][i % 2], 10 * i, i + 1, f"{i:02x}" * 32)
    assert [places.find(f"{hi:016x}{lo:016x}") for hi, lo in ((A, 6), (A, 8), (0, 5), (C, 1), (D, 0))] == [None] * 5


def test_a_table_of_no_image(tmp_path: Path):
    assert table_of(tmp_path / "places", []).find("0" * 32) is None
