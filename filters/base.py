"""Measure, then judge.

A rule is a frozen dataclass whose fields are its thresholds. `measure` gives numbers and knows no threshold; `limits` says
which measure must not lie beyond which value. Judging is the same for every rule, here and in SQL, so stored measures can be
re-judged at any time. A measure that does not apply is absent (NULL in the tables) and passes.

    @dataclass(frozen=True)
    class WordCount(TextRule):
        '''Words in a paragraph. Default 4..1000: OBELICS, config_filter_web_documents.yaml.'''

        name: ClassVar[str] = "paragraph.word_count"
        unit: ClassVar[Unit] = Unit.PARAGRAPH
        measures: ClassVar[tuple[str, ...]] = ("paragraph_words",)
        min: int | None = 4
        max: int | None = 1000

        def measure(self, item: TextView) -> Measures:
            return {"paragraph_words": item.n_words}

        def limits(self) -> tuple[Limit, ...]:
            return self.bounds("paragraph_words")
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from itertools import compress
from typing import Any, ClassVar, TypeGuard, cast

import numpy as np

from filters.beyond import beyond

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
    """`measure` fails when it lies strictly beyond `value` on `side`, in the languages that the limit is for."""

    measure: str
    side: str  # "above" | "below"
    value: float
    reason: str
    only: tuple[str, ...] = ()  # languages it is for; () = every one
    but: tuple[str, ...] = ()  # languages it is not for

    def fails(self, measures: Mapping[str, float], language: str = "") -> bool:
        m = measures.get(self.measure)  # NaN, as absent: does not apply, and is neither above nor below
        return m is not None and (m > self.value if self.side == "above" else m < self.value) and self.applies(language)

    def applies(self, language: str) -> bool:
        """Whether the limit is for a language."""
        return (not self.only or language in self.only) and language not in self.but

    def sql(self) -> str:
        """The same test as a DuckDB expression over the measure's column and `language` (NULL and NaN pass)."""
        column = f'"{self.measure}"'
        beyond = f"{column} > {self.value!r} and not isnan({column})" if self.side == "above" else f"{column} < {self.value!r}"
        test = f"coalesce({beyond}, false)"
        if self.only:
            test += f" and coalesce(language, '') in ({_quoted(self.only)})"
        if self.but:
            test += f" and coalesce(language, '') not in ({_quoted(self.but)})"
        return f"({test})"


def _quoted(languages: tuple[str, ...]) -> str:
    return ", ".join("'" + code.replace("'", "''") + "'" for code in languages)


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
class TextRule(Rule):
    """A rule over text, whose limits may differ by language:

        [filters."paragraph.stop_words"]
        min = 0.3
        per_language = { de = { min = 0.2 }, ja = { min = false } }

    Languages are those that `filters.text.languages.normalise` knows; `false` switches a limit off.
    """

    per_language: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict[str, Mapping[str, "float | None"]], kw_only=True)

    def __post_init__(self) -> None:
        from filters.text.languages import UNDETERMINED, normalise

        own: dict[str, dict[str, float | None]] = {}
        limits = {f.name for f in fields(self)} - {"per_language", *self.parameters}
        given = cast(object, self.per_language)  # as TOML gave it
        if not isinstance(given, Mapping):
            raise ValueError(f"per_language: give limits by language, such as {{ de = {{ {sorted(limits)[0]} = 0.2 }} }}, not {given!r}")
        for language, values in cast("Mapping[str, Any]", given).items():
            code = normalise(language)
            if code == UNDETERMINED and language != UNDETERMINED:
                raise ValueError(f"per_language: {language!r} is no language; write an ISO 639 code such as 'de'")
            if not isinstance(values, Mapping):
                raise ValueError(f"per_language.{language}: give limits, such as {{ {sorted(limits)[0]} = 0.2 }}, not {values!r}")
            limited = cast("Mapping[str, Any]", values)
            for key in limited:
                if key not in limits:
                    raise ValueError(f"per_language.{language}: no limit {key!r}; there are: {', '.join(sorted(limits))}")
            own[code] = {k: None if v is False else v for k, v in limited.items()}
        object.__setattr__(self, "per_language", own)

    def columns(self, page: Any) -> dict[str, Any]:
        """Optional, for paragraph rules that should be fast: each measure as an array over the texts of a
        `filters.text.page.Page`, NaN where it does not apply. A rule defines this or `measure`."""
        raise TypeError(f"{type(self).__name__} has neither measure() nor columns(): every rule defines one")

    def measure(self, item: Any) -> Measures:
        i = item.index
        return {m: float(c[i]) for m, c in item.shared.columns(self).items() if c[i] == c[i]}

    def bounds(self, measure: str, low: str | None = "min", high: str | None = "max") -> tuple[Limit, ...]:
        """Limits of `measure` from the fields named `low` and `high`, each with its exceptions by language."""
        return (*self._side(measure, low, below), *self._side(measure, high, above))

    def _side(self, measure: str, key: str | None, make: Callable[..., tuple[Limit, ...]]) -> tuple[Limit, ...]:
        if key is None:
            return ()
        special = {code: v[key] for code, v in self.per_language.items() if key in v}
        out = [replace(x, but=tuple(sorted(special))) for x in make(measure, self.name, getattr(self, key))]
        for code, value in sorted(special.items()):
            out += [replace(x, only=(code,)) for x in make(measure, self.name, value)]
        return tuple(out)


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


_PASSED = Verdict()
_VERDICTS = 10_000  # that a set keeps for a language


def _by_columns(rule: Rule) -> TypeGuard[TextRule]:
    return isinstance(rule, TextRule) and type(rule).measure is TextRule.measure


class _Limits:
    """The limits for one language as arrays, to judge many items at once."""

    def __init__(self, judging: Sequence[Limit], watching: Sequence[Limit], measures: Sequence[str], language: str):
        judging, watching = ([x for x in xs if x.applies(language)] for xs in (judging, watching))
        limits = [*judging, *watching]
        self._rows = np.array([measures.index(x.measure) for x in limits], np.int64)
        self._sides = np.array([1 if x.side == "above" else -1 for x in limits], np.int64)
        self._values = np.array([x.value for x in limits], np.float64)
        self._known = _Verdicts([x.reason for x in judging], [x.reason for x in watching])

    def verdicts(self, table: np.ndarray) -> list[Verdict]:
        """The verdict on each column of a table of measures (one row each, NaN where one does not apply)."""
        failing = np.empty((table.shape[1], len(self._sides)), np.uint8)
        beyond(table, self._rows, self._sides, self._values, failing)
        whole, n, known = failing.tobytes(), len(self._sides), self._known
        return [known[whole[i : i + n]] for i in range(0, len(whole), n)] if n else [_PASSED] * len(failing)


class _Verdicts(dict[bytes, Verdict]):
    """Verdicts by which limits fail, a byte each; kept, so that pages share them."""

    def __init__(self, judging: Sequence[str], watching: Sequence[str]):
        super().__init__()
        self._judging, self._watching = judging, watching  # reasons

    def __missing__(self, failing: bytes) -> Verdict:
        n = len(self._judging)
        made = Verdict(tuple(compress(self._judging, failing)), tuple(compress(self._watching, failing[n:])))
        if len(self) < _VERDICTS:
            self[failing] = made
        return made


class RuleSet:
    """The rules of one unit at one stage, in judging order."""

    def __init__(self, rules: Iterable[Rule], shadow: Iterable[str] = ()):
        self.rules = tuple(rules)
        self.shadow = frozenset(shadow)
        self.measures = tuple(sorted({m for r in self.rules for m in r.measures}))
        self._judging = tuple(x for r in self.rules if r.name not in self.shadow for x in r.limits())
        self._watching = tuple(x for r in self.rules if r.name in self.shadow for x in r.limits())
        self._at = {m: j for j, m in enumerate(self.measures)}
        self._of_pages = [r for r in self.rules if _by_columns(r)]  # asked for all paragraphs of a page at once; the others for each
        self._of_views = [r for r in self.rules if not _by_columns(r)]
        self._limits: dict[str, _Limits] = {}  # by language

    def measure(self, item: Any) -> Measures:
        out: Measures = {}
        for rule in self.rules:
            out.update(rule.measure(item))
        return out

    def judge(self, measures: Mapping[str, float], language: str = "") -> Verdict:
        """Every limit that fails; `language` (of the document) chooses among limits that differ by language."""
        reasons = tuple(x.reason for x in self._judging if x.fails(measures, language))
        watched = tuple(x.reason for x in self._watching if x.fails(measures, language)) if self._watching else ()
        return Verdict(reasons, watched) if reasons or watched else _PASSED

    def page(self, views: Any, language: str = "") -> list[tuple[Measures, Verdict]]:
        """`measure` and `judge` of all paragraphs of a page (made by `TextView.page`) at once: the same answers, many times as fast."""
        table, verdicts = self.table(views, language)
        return [
            ({m: v for m, v in zip(self.measures, row, strict=True) if v == v}, verdict)
            for row, verdict in zip(table.T.tolist(), verdicts, strict=True)
        ]

    def table(self, views: Any, language: str = "") -> tuple[np.ndarray, list[Verdict]]:
        """The same as float64 rows, one of each of `measures`, with a value for each paragraph, NaN where it does not apply; and the verdicts."""
        table = np.empty((len(self.measures), len(views)))
        if not views:
            return table, []
        page = views.shared
        table.fill(np.nan)
        at = self._at
        for rule in self._of_pages:
            for m, column in rule.columns(page).items():
                table[at[m]] = column
        for rule in self._of_views:
            for i, view in enumerate(views):
                for m, value in rule.measure(view).items():
                    table[at[m], i] = value
        if (limits := self._limits.get(language)) is None:
            limits = self._limits[language] = _Limits(self._judging, self._watching, self.measures, language)
        return table, limits.verdicts(table)

    def limits(self) -> tuple[Limit, ...]:
        return self._judging

    def watched(self) -> tuple[Limit, ...]:
        """The limits of rules that only watch."""
        return self._watching

    def __bool__(self) -> bool:
        return bool(self.rules)
