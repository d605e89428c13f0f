"""What other thresholds would have kept, from the stored measures: no page is read, no model runs.

A limit is re-decided exactly as the run decides it (see docs/architecture.md, "Measure, then judge"), then the loss is carried on: an image
that goes may take its document along. Counts are exact where everything that the change can reach was measured. Where it was not - a page
let in at extract has never been deduplicated or fetched - the answer is an estimate between two bounds, and says why.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from audit import judge
from audit.queries import ask
from audit.run import Run

PDQ_DISTANCE, PICTURES = 31, 20_000_000  # comparisons of pictures that we are willing to make for an exact answer


class WhatIfError(ValueError):
    """A setting that names no limit of the run; the message suggests the nearest."""


@dataclass
class Answer:
    """`kept` of documents is a number with bounds; `exact` says that the bounds have met."""

    changes: list[dict[str, Any]]
    exact: bool
    caveats: list[str]
    before: dict[str, int]
    after: dict[str, int]
    low: int
    high: int
    funnel: list[dict[str, Any]]
    languages: list[dict[str, Any]]
    domains: list[dict[str, Any]]
    flips: dict[str, list[dict[str, Any]]]
    sql: str = field(repr=False, default="")


def parse(settings: Iterable[str], rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`filters.pair.similarity.min=0.3` as new limits: rows of `rules` with another `limit` (None switches the limit off).

    WhatIfError names the nearest limit there is if a setting names none."""
    known = names(rules)
    out = []
    for setting in settings:
        name, eq, text = setting.partition("=")
        name = name.strip().removeprefix("filters.").replace('"', "")
        if not eq:
            raise WhatIfError(f"{setting!r} is no setting: write filters.pair.similarity.min=0.3")
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise WhatIfError(
                f"no limit {name!r} in this run"
                + (f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(sorted(known))}")
            )
        try:
            value = None if text.strip().lower() in ("false", "none", "off") else float(text)
        except ValueError:
            raise WhatIfError(f"{setting!r}: {text!r} is no number (or false, to switch the limit off)") from None
        if value is not None and value != value:
            raise WhatIfError(f"{setting!r}: NaN is no limit")
        out += [{**rule, "new": value, "setting": name} for rule in known[name]]
    return out


def names(rules: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The name of every limit of the run as a setting -> its rows of `rules`; limits of single languages keep their own value.

    A rule with one measure has `min` and `max`; one with several is addressed as `<rule>.<measure>.min`."""
    out: dict[str, list[dict[str, Any]]] = {}
    for r in rules:
        if not r["side"] or r["only"]:
            continue
        word = "max" if r["side"] == "above" else "min"
        measures = {x["measure"] for x in rules if x["rule"] == r["rule"] and x["side"] == r["side"]}
        name = f"{r['rule']}.{word}" if len(measures) == 1 else f"{r['rule']}.{r['measure']}.{word}"
        out.setdefault(name, []).append(r)
    return out


def whatif(run: Run, settings: Iterable[str], flips: int = 20, con: Any = None) -> Answer:
    """The funnel under other limits. RunError if there are no audit tables, WhatIfError for a setting that names no limit."""
    if con is None:
        with run.connect() as own:
            return whatif(run, settings, flips, own)
    rules = ask(con, 'SELECT * FROM rules ORDER BY "order", measure, side')
    changes = parse(settings, rules)
    select = run.config.get("select", {})
    plan = judge.Plan(
        rules, {(c["rule"], c["measure"], c["side"], tuple(c["but"] or ())): c["new"] for c in changes}, select, judge.columns(con)
    )
    caveats = [text for text, on in _held(plan, select) if on]
    _copies(con, plan, select, caveats)
    query = plan.sql()
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {query}")
    total = ask(con, judge.TOTAL)[0]
    exact = total["low"] == total["high"] and not caveats
    if total["low"] != total["high"]:
        caveats += [text for text, on in _unmeasured(plan) if on]
    return Answer(
        changes=[{k: c[k] for k in ("setting", "rule", "measure", "side", "limit", "new", "at", "unit")} for c in changes],
        exact=exact, caveats=caveats,
        before={"documents": total["before"], "images": total["images_before"], "pages": total["pages"]},
        after={"documents": total["after"], "images": total["images_after"], "pages": total["pages"]},
        low=total["low"], high=total["high"],
        funnel=ask(con, judge.FUNNEL), languages=ask(con, judge.BY.format(column="language"), limit=50),
        domains=ask(con, judge.BY.format(column="domain"), limit=50),
        flips={"in": ask(con, judge.FLIPS, kept=True, limit=flips), "out": ask(con, judge.FLIPS, kept=False, limit=flips)}, sql=query,
    )  # fmt: skip


def _unmeasured(plan: judge.Plan) -> list[tuple[str, bool]]:
    """Changes at extract reach things that were never measured: what the bounds are about."""
    paragraph, document, early = (
        plan.touched("paragraph"),
        plan.touched("document", "extract") or plan.touched("url"),
        plan.touched("image", "extract"),
    )
    return [
        ("a changed paragraph limit changes the text that document measures and duplicates are taken from: documents it touches lie between the bounds", paragraph),
        ("a changed limit on image nodes at extract changes which images are counted and fetched: documents it touches lie between the bounds", early),
        ("pages let in at extract were never deduplicated and their images never fetched: estimated at the rate of pages that were; duplicates of pages that go out may come in", document),
    ]  # fmt: skip


def _held(plan: judge.Plan, select: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Choices over the whole run that are held as they were."""
    return [
        ("select.keep_fraction cuts at a share of all pairs: the cut is held where the run put it", bool(select.get("keep_fraction")) and plan.changes != {}),
        ("select.semantic_distance is on: which pictures mean the same is held as the run found it", select.get("semantic_distance") is not None and plan.changes != {}),
        ("select.assignment_drop is on: images are not assigned anew", bool(select.get("assignment_drop")) and plan.changes != {}),
    ]  # fmt: skip


def _copies(con: Any, plan: judge.Plan, select: Mapping[str, Any], caveats: list[str]) -> None:
    """Which pictures occur too often depends on all pictures still there: look whether the change can reach that."""
    most = select.get("copies_max", 10)
    if not most or not plan.touched("image") or select.get("combine", "and") == "or":
        return
    con.execute(f"CREATE OR REPLACE TEMP TABLE moved AS {plan.moved()}")
    lost = ask(con, "SELECT count(*) AS n FROM moved WHERE was AND copied")[0]["n"]
    new = ask(con, "SELECT count(*) AS n, count(DISTINCT sha256) AS pictures FROM moved WHERE NOT was")[0]
    reach = 0
    if new["n"]:
        there = ask(con, "SELECT count(DISTINCT sha256) AS n FROM nodes WHERE sha256 <> ''")[0]["n"]
        if there * new["pictures"] > PICTURES:
            caveats.append(
                f"{new['n']:,} more images would be counted as possible copies of one picture; whether they are is not looked up for so many"
            )
            return
        distance = int(select.get("copies_distance", PDQ_DISTANCE))
        reach = ask(con, judge.COPIES.format(distance=distance), most=most)[0]["n"]
    if lost or reach:
        caveats.append(
            f"{lost + reach:,} pictures that the change moves belong to, or may join, pictures that occur too often (select.copies_max): counted as the run left them"
        )
