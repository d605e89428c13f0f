"""Hot hosts: lanes that take turns, and the table of which bucket carries which."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from pipelines.web.fetch.answer import words
from pipelines.web.fetch.hot import Board, Files, Lanes, lanes_of
from pipelines.web.fetch.turns import GUARD, WINDOW, Turns


@pytest.mark.parametrize("lanes", [2, 3, 5])
@pytest.mark.parametrize("delay", [0.2, 1.0, 30.0])
def test_starts_of_lanes_that_know_nothing_of_each_other_keep_the_delay(lanes, delay):
    """Each lane wakes when it likes and then waits for its turn; clocks differ by as much as the guard allows."""
    rng = random.Random(f"{lanes} {delay}")
    guard = max(GUARD, GUARD * delay)
    skew = (1 - WINDOW) * guard * 0.99
    starts = []
    for lane in range(lanes):
        turns, off = Turns(lane, lanes), rng.choice((0.0, skew)) if lane else skew
        now = rng.uniform(0, 100)
        for _ in range(200):
            now += turns.wait(now + off, delay)
            now += rng.uniform(0, WINDOW * guard * 0.9) if turns.wait(now + off, delay) == 0 else 0.0  # woken late
            if turns.wait(now + off, delay):
                continue
            starts.append(now)
            now += delay + rng.expovariate(1 / delay)
    gaps = [b - a for a, b in pairwise(sorted(starts))]
    assert len(starts) > 60 * lanes and min(gaps) >= delay - 1e-6


def test_a_lane_that_always_has_work_asks_once_a_round():
    turns, now, starts = Turns(1, 2), 1000.0, []
    for _ in range(50):
        now += turns.wait(now, 1.0)
        starts.append(now)
        now += 1.0
    assert all(b - a == pytest.approx(2.2) for a, b in pairwise(starts))


def test_no_delay_no_turns():
    assert Turns(0, 2).wait(123.4, 0.0) == 0.0 and Turns(0, 1).wait(123.4, 1.0) == 0.0


def test_every_url_of_a_hot_host_is_in_one_bucket_that_carries_a_lane_of_it():
    lanes = lanes_of({"hot.example": 101, "cool.example": 100}, 7, 3, 100)
    assert lanes == Lanes(7, {"hot.example": 3})
    urls = [f"http://hot.example/{i}" for i in range(900)]
    at = [lanes.bucket("hot.example", u) for u in urls]
    assert sorted(set(at)) == sorted(b for b in range(7) if lanes.turns("hot.example", b) is not None) and len(set(at)) == 3
    assert min(at.count(b) for b in set(at)) > 200
    assert {lanes.turns("hot.example", b).lane for b in set(at)} == {0, 1, 2}
    assert len({lanes.bucket("cool.example", f"http://cool.example/{i}") for i in range(50)}) == 1
    assert all(lanes.turns("cool.example", b) is None for b in range(7))
    assert lanes_of({"hot.example": 101}, 1, 3, 100).hosts == {} == lanes_of({"hot.example": 101}, 7, 1, 100).hosts


def test_files_and_notes_are_what_was_written(tmp_path):
    files = Files()
    files.heard(
        "http://a.example/robots.txt", words("success", "http://a.example/robots.txt")._replace(http_status=200, body=b"\xff\x00Disallow:")
    )
    again = Files.loads(files.dumps())
    assert again.get("http://a.example/robots.txt") == files.get("http://a.example/robots.txt") and again.get("http://b.example/") is None
    old = Files({"u": (words("success", "u"), 0.0)})
    assert old.get("u") is None  # older than a robots.txt may be
    board = Board(str(tmp_path))
    assert board.until("a.example") == 0.0
    board.rest("a.example", 12.5)
    assert board.until("a.example") == 12.5 and board.until("b.example") == 0.0
