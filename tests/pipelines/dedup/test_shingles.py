"""The kernels against their plain definitions and against datasketch."""

from __future__ import annotations

import random

import datasketch
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup.minhash import band_keys, estimate, match_probability, plain_signatures, signatures
from pipelines.dedup.shingles import Texts, plain_hash, plain_shingles, plain_tokens, shingles
from tests.support.dedup_corpus import corpus


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("Caf\u00e9 CAFE\u0301 cafe", ["cafe", "cafe", "cafe"]),
        ("\uff37\uff45\uff46\uff54 \u2167 x\u00b2", ["weft", "v", "x2"]),
        ("don't re-do 3.14", ["don", "t", "re", "do", "3", "14"]),
        ("\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8", list("\u65e5\u672c\u8a9e\u30c6\u30b9\u30c8")),
        ("\u0e20\u0e32\u0e29\u0e32", ["\u0e20", "\u0e32", "\u0e29", "\u0e32"]),
        ("\ud55c\uad6d\uc5b4 \ubb38\uc7a5", ["\u1112\u1100\u110b", "\u1106\u110c"]),
        ("zero\u200dwidth soft\u00adhyphen", ["zerowidth", "softhyphen"]),
        ("a\U0001f600b \U00020000\U000e0100x", ["a", "b", "\U00020000", "x"]),
        (" \n\t.,", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert plain_tokens(text) == tokens


def _check(documents: list[list[str]], n: int) -> None:
    hashes, offsets = shingles(Texts.of(documents), n)
    for i, pieces in enumerate(documents):
        assert {int(h) for h in hashes[offsets[i] : offsets[i + 1]]} == {plain_hash(g) for g in plain_shingles(pieces, n)}


@settings(max_examples=150)
@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), max_size=4), st.integers(1, 6))
def test_kernel_is_the_definition(documents: list[list[str]], n: int) -> None:
    _check(documents, n)


def test_many_documents_and_long_ones() -> None:
    rng = random.Random(3)
    letters = "ab \u00e9\u4e2d\u0e01\U00020000\U0001f600\u0301.-"
    _check([["".join(rng.choices(letters, k=rng.randrange(2_000))) for _ in range(rng.randrange(4))] for _ in range(60)], 5)
    _check([["x y " * 20_000]], 5)


def test_a_paragraph_ends_a_word_but_not_a_shingle() -> None:
    assert plain_shingles(["one two", "three"], 3) == {("one", "two", "three")}
    _check([["one two", "three"], ["one twothree"], ["", "one"], []], 3)


def test_bytes_cut_inside_a_character() -> None:
    raw = np.frombuffer("ab \u4e2d".encode()[:-1], np.uint8)
    hashes, offsets = shingles(Texts(raw, np.array([0]), np.array([len(raw)]), np.array([0, 1])), 1)
    assert hashes.tolist() == [plain_hash(("ab",))] and offsets.tolist() == [0, 1]


def test_signatures_are_datasketchs() -> None:
    texts = corpus("mixed", 7, 60, 90) + ["", "one"]
    hashes, offsets = shingles(Texts.of(texts))
    for seed in (1, 42):
        ours = signatures(hashes, offsets, 112, seed)
        assert (ours == plain_signatures(hashes, offsets, 112, seed)).all()
        for i, row in enumerate(ours):
            theirs = datasketch.MinHash(112, seed=seed, scheme="affine32", hashfunc=lambda h: h)
            for h in hashes[offsets[i] : offsets[i + 1]]:
                theirs.update(int(h) & 0xFFFFFFFF)
            assert (theirs.hashvalues == row).all()
            continued = datasketch.MinHash(112, seed=seed, scheme="affine32", hashvalues=row)
            assert continued.jaccard(theirs) == 1.0


def test_estimate_is_near_the_truth() -> None:
    texts = corpus("threshold", 1, 300)
    hashes, offsets = shingles(Texts.of(texts))
    signature = signatures(hashes, offsets, 512)
    sets = [plain_shingles([t]) for t in texts]
    errors = []
    for i in range(0, 299):
        for j in range(i + 1, min(i + 40, 300)):
            if sets[i] & sets[j]:
                true = len(sets[i] & sets[j]) / len(sets[i] | sets[j])
                errors.append(float(estimate(signature[i], signature[j])) - true)
    assert len(errors) > 20 and abs(np.mean(errors)) < 0.02 and np.std(errors) < 0.03


def test_bands() -> None:
    signature = np.arange(2 * 112, dtype=np.uint32).reshape(2, 112)
    signature[1, :8] = signature[0, :8]
    keys = band_keys(signature, 14, 8)
    assert (keys[0] == keys[1]).tolist() == [True] + [False] * 13
    assert len(np.unique(band_keys(np.zeros((1, 112), np.uint32), 14, 8))) == 14  # the band's number counts
    with pytest.raises(ValueError, match="120 hashes"):
        band_keys(signature, 15, 8)
    assert [round(match_probability(s), 2) for s in (0.7, 0.75, 0.8, 0.85)] == [0.56, 0.77, 0.92, 0.99]


def test_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        shingles(Texts.of(["a"]), 0)
