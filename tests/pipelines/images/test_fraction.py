from __future__ import annotations

import random

import pytest

from pipelines.images.assign import assign
from pipelines.images.fraction import cut_for, cut_of, cuts


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.3, 1 / 3, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("steps", [1, 7, 1000])
def test_the_share_is_exact_even_with_ties(fraction, steps):
    draw = random.Random(1)
    n = 997
    values = [draw.randrange(steps) / steps for _ in range(n)]
    keys = [f"doc{i}" for i in range(n)]
    cut = cut_for(values, keys, fraction)
    kept = [cut.keeps(v, k) for v, k in zip(values, keys, strict=True)]
    assert sum(kept) == round(fraction * n)
    assert min(v for v, k in zip(values, kept, strict=True) if k) >= max(
        (v for v, k in zip(values, kept, strict=True) if not k), default=-1
    )


def test_the_order_of_pairs_does_not_matter():
    values, keys = [0.5] * 50 + [0.7] * 10, [str(i) for i in range(60)]
    one = cut_for(values, keys, 0.5)
    assert one == cut_for(values[::-1], keys[::-1], 0.5)


def test_nothing_asked_nothing_kept():
    assert not cut_for([0.9], ["a"], 0.1).keeps(0.9, "a")
    assert cut_for([], [], 0.5).keeps(0.1, "x") is False


def test_languages_get_a_cut_each():
    values = [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9]
    languages = ["de"] * 4 + ["en"] * 4
    found = cuts(values, list("abcdefgh"), languages, 0.5, per_language=True)
    assert {k: v.similarity for k, v in found.items()} == {"de": 0.3, "en": 0.8}
    assert cut_of(found, "fr") is None
    one = cuts(values, list("abcdefgh"), languages, 0.5, per_language=False)
    assert cut_of(one, "fr").similarity == 0.6


def test_assignment_is_of_greatest_total_and_one_to_one():
    got = assign({1: {10: 0.9, 11: 0.8}, 2: {10: 0.85, 11: 0.1}})
    assert got == {1: (11, 0.8), 2: (10, 0.85)}  # greedy would give 1 -> 10 and a total of 1.0 instead of 1.65
    assert assign({1: {10: 0.9}, 2: {10: 0.5}}) == {1: (10, 0.9)}
    assert assign({}) == {} and assign({1: {}}) == {}
