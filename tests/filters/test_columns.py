"""Judging a page's paragraphs by columns: value by value the same as one by one, at the limit's edge and in every language."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.base import Limit, RuleSet, TextRule, Unit


@dataclass(frozen=True)
class ByColumn(TextRule):
    name: ClassVar[str] = "paragraph.by_column"
    unit: ClassVar[Unit] = Unit.PARAGRAPH
    measures: ClassVar[tuple[str, ...]] = ("paragraph_x",)
    min: float | None = 1.0
    max: float | None = 3.0

    def columns(self, page: Any) -> dict[str, Any]:
        return {"paragraph_x": page.x}

    def limits(self) -> tuple[Limit, ...]:
        return self.bounds("paragraph_x")


class Page:
    def __init__(self, x: list[float]):
        self.x = np.array(x)

    def columns(self, rule: TextRule) -> dict[str, Any]:
        return rule.columns(self)


class Views(list[Any]):
    def __init__(self, shared: Page, n: int):
        super().__init__(SimpleNamespace(shared=shared, index=i) for i in range(n))
        self.shared = shared


limits = st.sampled_from([None, 0.0, 1.0, 2.0, 3.0])
exceptions = st.dictionaries(st.sampled_from(["de", "ja"]), st.fixed_dictionaries({}, optional={"min": limits, "max": limits}), max_size=2)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, float("nan")]), min_size=1, max_size=6),
    limits,
    limits,
    exceptions,
    st.sampled_from(["", "de", "en", "ja"]),
    st.booleans(),
)
def test_a_column_is_judged_as_its_values_are(values, low, high, special, language, shadow):
    rules = RuleSet([ByColumn(low, high, per_language=special)], {"paragraph.by_column"} if shadow else ())
    page = Page(values)
    views = Views(page, len(values))
    assert rules.page(views, language) == [(m, rules.judge(m, language)) for m in map(rules.measure, views)]


def test_edges_and_languages_in_numbers():
    rules = RuleSet([ByColumn(per_language={"de": {"min": 2.0}, "ja": {"min": None}})])
    page = Page([0.0, 1.0, 1.5, 3.0, 4.0])
    views = Views(page, 5)

    def reasons(language: str) -> list[str]:
        return [v.first_reason.rpartition(".")[2] for _, v in rules.page(views, language)]

    assert reasons("en") == reasons("") == ["below", "", "", "", "above"]
    assert reasons("de") == ["below", "below", "below", "", "above"]
    assert reasons("ja") == ["", "", "", "", "above"]
