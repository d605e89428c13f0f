"""Judging in Python and in SQL gives the same answers; a page at once and one by one give the same measures."""

from __future__ import annotations

import math
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.base import At, Limit, RuleSet, Unit, above, below, between
from filters.registry import RuleError, build, rule_set, rules
from filters.text.view import TextView

LANGUAGES = ["en", "de", "ja", "und", ""]
number = st.one_of(st.none(), st.just(math.nan), st.sampled_from([0.0, 0.5, 1.0, -1.0]), st.floats(-1e6, 1e6))
limit = st.builds(
    Limit,
    measure=st.sampled_from(["a", "b"]),
    side=st.sampled_from(["above", "below"]),
    value=st.one_of(st.sampled_from([0.0, 0.5, 1.0, -1.0, 1e-7]), st.floats(-1e6, 1e6)),
    reason=st.just("x.y.above"),
    only=st.lists(st.sampled_from(LANGUAGES), max_size=2).map(tuple),
    but=st.lists(st.sampled_from(["en", "o'clock", "ja"]), max_size=2).map(tuple),
)


@settings(max_examples=60)
@given(
    limits=st.lists(limit, min_size=1, max_size=4),
    rows=st.lists(st.tuples(number, number, st.sampled_from(LANGUAGES)), min_size=1, max_size=8),
)
def test_python_and_sql_judge_alike(limits: list[Limit], rows: list[tuple[Any, Any, str]]) -> None:
    con = duckdb.connect()
    con.execute('create table t (i int, "a" double, "b" double, language varchar)')
    con.executemany("insert into t values (?, ?, ?, ?)", [(i, *r) for i, r in enumerate(rows)])
    for x in limits:
        failed = {i for (i,) in con.execute(f"select i from t where {x.sql()}").fetchall()}
        passed = {i for (i,) in con.execute(f"select i from t where not {x.sql()}").fetchall()}
        expected = {i for i, (a, b, lang) in enumerate(rows) if x.fails({k: v for k, v in (("a", a), ("b", b)) if v is not None}, lang)}
        assert failed == expected
        assert passed == set(range(len(rows))) - expected


@pytest.mark.parametrize("name", sorted(rules()))
def test_sql_of_every_rule_as_configured(name: str) -> None:
    """The limits of each rule, with a language exception where it takes one, on measures around each limit."""
    rule_type = rules()[name]
    rule = rule_type()
    if hasattr(rule, "per_language") and (sides := [k for k in ("min", "max") if getattr(rule, k, None) is not None]):
        rule = build(name, {"per_language": {"de": {sides[0]: 0.123}}})
    con = duckdb.connect()
    for x in rule.limits():
        for value in (x.value, x.value + 0.001, x.value - 0.001, None, math.nan):
            for language in ("en", "de"):
                con.execute("create or replace table t (language varchar, " + ", ".join(f'"{m}" double' for m in rule.measures) + ")")
                con.execute(f'insert into t (language, "{x.measure}") values (?, ?)', [language, value])
                in_sql = con.execute(f"select {x.sql()} from t").fetchone()
                measures = {} if value is None else {x.measure: value}
                assert in_sql == (x.fails(measures, language),)


def test_a_value_equal_to_the_limit_passes() -> None:
    low, high = between("m", "r.x", 1, 2)
    assert not low.fails({"m": 1}) and low.fails({"m": 0.999})
    assert not high.fails({"m": 2}) and high.fails({"m": 2.001})
    assert above("m", "r", None) == below("m", "r", None) == ()


def test_exceptions_by_language() -> None:
    rule = build("paragraph.stop_words", {"min": 0.3, "per_language": {"deu": {"min": 0.2}, "Japanese": {"min": False}}})
    failing = {lang: [x.reason for x in rule.limits() if x.fails({"paragraph_stop_words": 0.25}, lang)] for lang in ("en", "de", "ja", "")}
    assert failing == {"en": ["paragraph.stop_words.below"], "de": [], "ja": [], "": ["paragraph.stop_words.below"]}


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"per_language": {"klingonish": {"min": 1}}}, "no language"),
        ({"per_language": {"de": {"mni": 1}}}, "no limit 'mni'"),
        ({"per_language": {"de": 0.2}}, "give limits"),
        ({"mni": 1}, "did you mean 'min'"),
    ],
)
def test_wrong_settings_are_named(settings_: dict[str, Any], message: str) -> None:
    with pytest.raises(RuleError, match=message):
        build("paragraph.stop_words", settings_)


def test_unknown_rule_suggests() -> None:
    with pytest.raises(RuleError, match=r"did you mean 'paragraph.stop_words'"):
        build("paragraph.stopwords", {})


texts = st.lists(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(
            ["", "the cat sat on the mat. " * 6, "天気がいい。", "3 likes", "BUY NOW", "สวัสดีครับ", "\ud800\u200b", "a\x00b \x00 c"]
        ),
    ),
    max_size=8,
)
ALL: dict[str, dict[str, Any]] = {n: {} for n in rules() if n.startswith("paragraph.")} | {"paragraph.digits": {"shadow": True}}


@settings(max_examples=120)
@given(paragraphs=texts, language=st.sampled_from(["en", "ja", "de", "tlh"]))
def test_a_page_at_once_is_the_same_as_one_by_one(paragraphs: list[str], language: str) -> None:
    chosen = rule_set(ALL, Unit.PARAGRAPH, At.EXTRACT)
    at_once = chosen.page(TextView.page(paragraphs, language), language)
    for text, (measures, verdict) in zip(paragraphs, at_once, strict=True):
        alone = chosen.measure(TextView(text, language))
        assert measures == alone
        assert verdict == chosen.judge(alone, language)


def test_shadow_rules_drop_nothing_and_disabled_ones_do_not_run() -> None:
    config = {"paragraph.word_count": {"shadow": True}, "paragraph.digits": {"enabled": False}, "document.word_count": {}}
    chosen = rule_set(config, Unit.PARAGRAPH, At.EXTRACT)
    assert [r.name for r in chosen.rules] == ["paragraph.word_count"]
    verdict = chosen.judge(chosen.measure(TextView("two words")))
    assert verdict.kept and verdict.shadow_reasons == ("paragraph.word_count.below",)


def test_first_reason_follows_the_order_of_the_configuration() -> None:
    for order in (("paragraph.digits", "paragraph.word_count"), ("paragraph.word_count", "paragraph.digits")):
        chosen = rule_set({n: {} for n in order}, Unit.PARAGRAPH, At.EXTRACT)
        verdict = chosen.judge(chosen.measure(TextView("123")))
        assert [r.rpartition(".")[0] for r in verdict.reasons] == list(order)
        assert isinstance(chosen, RuleSet) and verdict.first_reason.startswith(order[0])


def test_a_page_without_rules_has_no_measures_and_keeps_all():
    rules = rule_set({}, Unit.PARAGRAPH, At.EXTRACT)
    views = TextView.page(["A sentence.", "Another one."], "en")
    table, verdicts = rules.table(views, "en")
    assert table.shape == (0, 2) and [v.kept for v in verdicts] == [True, True]
    assert rules.page(views, "en") == [({}, verdicts[0]), ({}, verdicts[1])]
    assert rules.page([], "en") == []
