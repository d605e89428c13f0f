"""Which images stay: each limit, each order of reasons and each exception alone, over tables made by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from filters.base import Limit
from pipelines.images import choose
from pipelines.images.choose import Choice, candidate, failing, fails, fates, judge, not_fetched, pair_reasons, taken_down, texts_of
from pipelines.images.fraction import Cut
from schemas.reasons import Reason


class Rules:
    """As much of a RuleSet as judging asks for."""

    def __init__(self, judging: tuple[Limit, ...] = (), watching: tuple[Limit, ...] = ()):
        self.limits, self.watched = lambda: judging, lambda: watching


def placements(**columns: list[Any]) -> pa.Table:
    n = len(next(iter(columns.values())))
    rest: dict[str, list[Any]] = {
        "row": [0] * n, "index": list(range(n)), "doc_id": ["d"] * n, "image_id": [f"i{i}" for i in range(n)], "language": ["en"] * n,
        "sha256": [f"s{i}" for i in range(n)], "pdq": [""] * n, "status": ["success"] * n, "reason": [""] * n, "shadow": [False] * n,
    }  # fmt: skip
    table = pa.table({k: v for k, v in {**rest, **columns}.items() if k != "pair_similarity"})
    similarity = pa.array(columns.get("pair_similarity", [None] * n), pa.float64())
    return table.append_column("pair_similarity", similarity)


def judged(*rows: dict[str, Any]) -> pa.Table:
    plain = {
        "row": 0, "index": 0, "doc_id": "d", "image_id": "", "language": "en", "sha256": "", "pdq": "", "quality": None, "similarity": None,
        "shadow": False, "base": "", "image_reasons": [], "pair_reasons": [], "shadow_reasons": [],
    }  # fmt: skip
    return pa.Table.from_pylist([{**plain, "index": i, "image_id": f"i{i}", **r} for i, r in enumerate(rows)], choose.JUDGED)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("success", ""), ("HTTP 404", Reason.IMAGE_NOT_FETCHED), ("successful", Reason.IMAGE_NOT_FETCHED), ("", Reason.IMAGE_NOT_FETCHED),
        ("opt-out: X-Robots-Tag noai", Reason.IMAGE_OPT_OUT), ("robots.txt disallows", Reason.IMAGE_OPT_OUT), ("robots.txt missing", Reason.IMAGE_NOT_FETCHED),
    ],
)  # fmt: skip
def test_a_status_and_its_reason(status, reason):
    assert not_fetched(status) == reason


def test_a_limit_fails_strictly_beyond_it_and_only_in_its_languages():
    values, languages = np.array([1.0, 2.0, 3.0, math.nan]), np.array(["en", "de", "de", "de"], dtype=object)
    assert fails(Limit("m", "above", 2.0, "r"), values, languages).tolist() == [False, False, True, False]
    assert fails(Limit("m", "below", 2.0, "r"), values, languages).tolist() == [True, False, False, False]
    assert fails(Limit("m", "above", 0.0, "r", only=("de",)), values, languages).tolist() == [False, True, True, False]
    assert fails(Limit("m", "above", 0.0, "r", but=("de",)), values, languages).tolist() == [True, False, False, False]


def test_columns_and_single_measures_are_judged_alike():
    limits = [
        Limit("m", side, 2.0, "r", only, but) for side in ("above", "below") for only, but in (((), ()), (("de",), ()), ((), ("de",)))
    ]
    for limit in limits:
        for value in (1.0, 2.0, 3.0, None):
            for language in ("en", "de"):
                column = np.array([math.nan if value is None else value])
                alone = limit.fails({} if value is None else {"m": value}, language)
                assert fails(limit, column, np.array([language], dtype=object)).tolist() == [alone]


def test_all_limits_that_fail_are_kept_in_their_order_and_absent_measures_pass():
    table = placements(m=[1.0, 5.0, None], language=["en", "en", "en"])
    limits = [
        Limit("gone", "above", 0.0, "gone"),
        Limit("m", "above", 4.0, "high"),
        Limit("m", "above", 3.0, "higher"),
        Limit("m", "below", 2.0, "low"),
    ]
    assert failing(limits, table) == [["low"], ["high", "higher"], []]


def test_what_its_own_measures_say_of_an_image():
    table = placements(
        m=[1.0, 9.0, 9.0, 9.0, 1.0],
        status=["success", "HTTP 500", "success", "success", "success"],
        reason=["", "decode", "decode", "", ""],
        pair_similarity=[0.5, None, 0.1, 0.2, 0.3],
        image_pdq_quality=[80.0, None, 1.0, 2.0, 3.0],
    )
    images = Rules((Limit("m", "above", 5.0, "image.m"),), (Limit("m", "below", 2.0, "image.watched"),))
    pairs = Rules(
        (Limit("pair_similarity", "below", 0.4, "pair.similarity.below"),), (Limit("pair_similarity", "above", 0.4, "pair.watched"),)
    )
    rows = judge(table, images, pairs, ["", "set", "set", "set", ""]).to_pylist()  # type: ignore[arg-type]
    assert [r["base"] for r in rows] == ["", Reason.IMAGE_NOT_FETCHED, "decode", Reason.IMAGE_CONTAMINATED, ""]
    assert [r["image_reasons"] for r in rows] == [[], ["image.m"], ["image.m"], ["image.m"], []]
    assert [r["pair_reasons"] for r in rows] == [[], [], *[["pair.similarity.below"]] * 3]
    assert [r["shadow_reasons"] for r in rows] == [["image.watched", "pair.watched"], [], [], [], ["image.watched"]]
    assert [(r["quality"], r["similarity"]) for r in rows] == [(80.0, 0.5), (None, None), (1.0, 0.1), (2.0, 0.2), (3.0, 0.3)]
    assert judge(table.drop_columns(["image_pdq_quality"]), images, pairs, [""] * 5)["quality"].null_count == 5  # type: ignore[arg-type]


def test_a_takedown_names_its_reason_before_all_others():
    rows = taken_down(judged({"base": "decode"}, {"base": "decode"}, {}), [True, False, True])["base"].to_pylist()
    assert rows == [Reason.IMAGE_TAKEDOWN, "decode", Reason.IMAGE_TAKEDOWN]


@pytest.mark.parametrize(
    ("base", "reasons", "combine", "there"),
    [("", [], "and", True), ("x", [], "and", False), ("", ["r"], "and", False), ("", ["r"], "or", True), ("x", ["r"], "or", False), ("x", [], "or", False)],
)  # fmt: skip
def test_who_is_there_when_copies_are_counted(base, reasons, combine, there):
    assert candidate(base, reasons, combine) is there


def reasons_of(
    table: pa.Table, copies: dict[tuple[int, int], tuple[str, str]] | None = None, **choice: Any
) -> dict[tuple[int, int], tuple[str, ...]]:
    return {at: f.reasons for at, f in fates(table, copies or {}, Choice(**choice)).items()}


def test_and_takes_both_kinds_of_reasons_or_only_where_both_fail():
    table = judged({"image_reasons": ["i"]}, {"pair_reasons": ["p"]}, {"image_reasons": ["i"], "pair_reasons": ["p"]}, {})
    assert list(reasons_of(table).values()) == [("i",), ("p",), ("i", "p"), ()]
    assert list(reasons_of(table, combine="or").values()) == [(), (), ("i", "p"), ()]


def test_base_comes_first_then_image_copies_and_pair():
    table = judged(
        {"base": "b", "image_reasons": ["i"], "pair_reasons": ["p"], "similarity": 0.25, "shadow_reasons": ["w"]}, {"shadow_reasons": ["w"]}
    )
    found = fates(table, {(0, 0): ("image.duplicate.copies", "i9")}, Choice())
    fate = found[0, 0]
    assert fate.reasons == ("b", "i", "image.duplicate.copies", "p") and fate.first == "b"
    assert (fate.duplicate_of, fate.similarity, fate.shadow_reasons) == ("i9", 0.25, ("w",))
    assert found[0, 1].first == "" and found[0, 1].duplicate_of == "" and found[0, 1].shadow_reasons == ("w",)


def test_of_equal_pictures_in_one_document_the_first_that_stays_is_kept():
    table = judged(
        {"row": 1, "index": 4, "sha256": "a"}, {"row": 1, "index": 2, "sha256": "a", "base": "b"}, {"row": 1, "index": 3, "sha256": "a"},
        {"row": 2, "index": 0, "sha256": "a"}, {"row": 1, "index": 9, "sha256": "c"}, {"row": 1, "index": 5}, {"row": 1, "index": 6},
    )  # fmt: skip
    found = fates(table, {}, Choice())
    assert found[1, 4].reasons == (Reason.IMAGE_IN_DOCUMENT,) and found[1, 4].duplicate_of == "i2"  # the one at index 3
    assert [found[at].reasons for at in ((1, 3), (2, 0), (1, 9), (1, 5), (1, 6))] == [()] * 5
    assert found[1, 2].reasons == ("b",)
    assert set(reasons_of(table, in_document=False).values()) == {(), ("b",)}


def test_a_kept_share_takes_the_place_of_the_lower_limit_of_similarity():
    row = {
        "pair_reasons": ["pair.similarity.below", "pair.similarity.above"],
        "language": "de",
        "similarity": 0.3,
        "doc_id": "d",
        "index": 1,
    }
    assert pair_reasons(row, {}) == row["pair_reasons"]
    assert pair_reasons(row, {"": Cut(0.2, 1.0)}) == ["pair.similarity.above"]
    assert pair_reasons(row, {"": Cut(0.4, 1.0)}) == ["pair.similarity.below", "pair.similarity.above"]
    assert pair_reasons(row, {"": Cut(0.2, 1.0), "de": Cut(0.4, 1.0)})[0] == "pair.similarity.below"
    assert pair_reasons(row, {"fr": Cut(0.4, 1.0)}) == ["pair.similarity.above"]
    assert pair_reasons({**row, "similarity": None}, {"": Cut(0.4, 1.0)}) == ["pair.similarity.above"]
    tie = choose_fraction("d\x1f1")
    assert pair_reasons(row, {"": Cut(0.3, tie)}) == ["pair.similarity.above"]
    assert pair_reasons(row, {"": Cut(0.3, tie - 1e-9)})[0] == "pair.similarity.below"


def choose_fraction(key: str) -> float:
    from pipelines.images.fraction import SALT
    from schemas.ids import fraction_of

    return fraction_of(key, SALT)


def test_texts_of_an_image_and_the_best_of_its_own_node():
    def text(index: int, similarity: float) -> dict[str, Any]:
        return {"index": index, "similarity": similarity}

    pairs = [
        {"row": 0, "index": 3, "texts": [text(3, 0.1), text(3, 0.4), text(3, 0.2), text(1, -0.5)]},
        {"row": 1, "index": 3, "texts": []},
    ]
    assert texts_of(pairs) == {(0, 3): {3: 0.4, 1: -0.5}, (1, 3): {}}
