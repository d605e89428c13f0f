"""Every rule on the cases of its unit (`tests/filters/cases/`), and on a megabyte of anything."""

from __future__ import annotations

from typing import Any

import pytest

from filters.registry import build, rules
from filters.text.document import DocumentView
from filters.text.view import TextView
from schemas.rows import TEXT, Node
from tests.filters.cases import document, image, pair, paragraph, url
from tests.filters.cases.items import p

CASES = url.CASES | paragraph.CASES | document.CASES | image.CASES | pair.CASES


@pytest.mark.parametrize(("name", "case"), [(n, i) for n in sorted(CASES) for i in range(len(CASES[n]))])
def test_rule(name: str, case: int) -> None:
    settings, item, measures, sides = CASES[name][case]
    rule = build(name, settings)
    got = rule.measure(item)
    assert got == pytest.approx(measures)
    assert set(got) <= set(rule.measures)
    language = getattr(item, "language", "")
    assert [x.reason for x in rule.limits() if x.fails(got, language)] == [f"{name}.{side}" for side in sides]


def test_every_rule_has_cases() -> None:
    assert sorted(CASES) == sorted(rules())


def test_paragraph_language_reads_the_score_that_the_model_left() -> None:
    view = p("x")
    view.scores = {"language": 0.79}
    rule = build("paragraph.language", {})
    assert rule.measure(view) == {"paragraph_language_score": 0.79}
    assert [x.reason for x in rule.limits() if x.fails(rule.measure(view))] == ["paragraph.language.below"]


HUGE = {
    "one word": "a" * 1_000_000,
    "many words": "word and more " * 71_000,
    "spaces": " " * 1_000_000,
    "marks": "." * 1_000_000,
    "surrogates": "\ud83d" * 1_000_000,
    "zero width": "\u200b" * 1_000_000,
    "han": "天" * 1_000_000,
    "lines": "x\n" * 500_000,
    "breaks": "\x00 " * 500_000,
}


@pytest.mark.parametrize("kind", sorted(HUGE))
def test_a_megabyte_of_anything_is_measured(kind: str) -> None:
    text = HUGE[kind]
    items: dict[str, Any] = {
        "paragraph": TextView(text),
        "document": DocumentView([Node(0, TEXT, text=text)], "en", language_score=0.5),
    }
    for name, rule in rules().items():
        if item := items.get(rule.unit):
            for measure, value in rule().measure(item).items():
                assert value >= 0 and value == value, (name, measure)
