"""Measure, then judge.

A rule is a frozen dataclass whose fields are its thresholds. `measure` gives numbers and knows no threshold; `limits` says
which measure must not lie beyond which value. Judging is the same for every rule, here and in SQL, so stored measures can be
re-judged at any time. A measure that does not apply is absent (NULL in the tables) and passes.

    @dataclass(frozen=True)
    class WordCount(Rule):
        '''Words in a paragraph. Default 4..1000: OBELICS, config_filter_web_documents.yaml.'''

        name: ClassVar[str] = "paragraph.word_count"
        unit: ClassVar[Unit] = Unit.PARAGRAPH
        measures: ClassVar[tuple[str, ...]] = ("word_count",)
        min: int | None = 4
        max: int | None = 1000

        def measure(self, item: TextView) -> Measures:
            return {"word_count": item.n_words}

        def limits(self) -> tuple[Limit, ...]:
            return between("word_count", self.name, self.min, self.max)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

Measures = dict[str, float]


class Unit(StrEnum):
    URL = "url"  # the page's URL
    PARAGRAPH = "paragraph"  # a text node
    IMAGE = "image"  # an image node (stage extract) or a decoded image (stage score)
    PAIR = "pair"  # an image and the texts beside it
    DOCUMENT = "document"


class At(StrEnum):
    """The stage at which a rule measures."""

    EXTRACT = "extract"
    SCORE = "score"
    SELECT = "select"


@dataclass(frozen=True)
class Limit:
    """`measure` fails when it lies strictly beyond `value` on `side`."""

    measure: str
    side: str  # "above" | "below"
    value: float
    reason: str

    def fails(self, measures: Mapping[str, float]) -> bool:
        m = measures.get(self.measure)
        if m is None or m != m:  # absent or NaN: does not apply
            return False
        return m > self.value if self.side == "above" else m < self.value

    def sql(self) -> str:
        """The same test as a DuckDB expression (NULL = passes)."""
        return f'coalesce("{self.measure}" {">" if self.side == "above" else "<"} {self.value!r}, false)'


def above(measure: str, rule: str, value: float | None) -> tuple[Limit, ...]:
    """Fails above `value`; None switches the limit off."""
    return () if value is None else (Limit(measure, "above", float(value), f"{rule}.above"),)


def below(measure: str, rule: str, value: float | None) -> tuple[Limit, ...]:
    """Fails below `value`; None switches the limit off."""
    return () if value is None else (Limit(measure, "below", float(value), f"{rule}.below"),)


def between(measure: str, rule: str, low: float | None, high: float | None) -> tuple[Limit, ...]:
    return (*below(measure, rule, low), *above(measure, rule, high))


@dataclass(frozen=True)
class Rule:
    """Base of every rule. Subclasses are frozen dataclasses; a field is a threshold, or a parameter of the measure
    (then named in `parameters`, because changing it needs measuring again, not only judging again)."""

    name: ClassVar[str]  # "<unit>.<what>", equal to folder and file name
    unit: ClassVar[Unit]
    at: ClassVar[At] = At.EXTRACT
    version: ClassVar[int] = 1  # raise it when `measure` changes its numbers
    source: ClassVar[str] = ""  # where the default comes from
    measures: ClassVar[tuple[str, ...]] = ()  # names of the columns that `measure` fills
    parameters: ClassVar[tuple[str, ...]] = ()  # fields that change what is measured

    def measure(self, item: Any) -> Measures:
        """Numbers of one item; pure; leaves out what does not apply."""
        raise TypeError(f"{type(self).__name__} has no measure(): every rule defines one")

    def limits(self) -> tuple[Limit, ...]:
        """The limits as configured."""
        raise TypeError(f"{type(self).__name__} has no limits(): every rule defines them")


@dataclass(frozen=True)
class Verdict:
    """Every limit that fails, in the order of the rules."""

    reasons: tuple[str, ...] = ()
    shadow_reasons: tuple[str, ...] = ()  # of rules that only watch

    @property
    def kept(self) -> bool:
        return not self.reasons

    @property
    def first_reason(self) -> str:
        return self.reasons[0] if self.reasons else ""


class RuleSet:
    """The rules of one unit at one stage, in judging order."""

    def __init__(self, rules: Iterable[Rule], shadow: Iterable[str] = ()):
        self.rules = tuple(rules)
        self.shadow = frozenset(shadow)
        self.measures = tuple(sorted({m for r in self.rules for m in r.measures}))
        self._judging = tuple(x for r in self.rules if r.name not in self.shadow for x in r.limits())
        self._watching = tuple(x for r in self.rules if r.name in self.shadow for x in r.limits())

    def measure(self, item: Any) -> Measures:
        out: Measures = {}
        for rule in self.rules:
            out.update(rule.measure(item))
        return out

    def judge(self, measures: Mapping[str, float]) -> Verdict:
        return Verdict(
            tuple(x.reason for x in self._judging if x.fails(measures)),
            tuple(x.reason for x in self._watching if x.fails(measures)),
        )

    def limits(self) -> tuple[Limit, ...]:
        return self._judging

    def __bool__(self) -> bool:
        return bool(self.rules)
