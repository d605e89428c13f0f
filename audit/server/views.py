"""The pages of the explorer: what each asks, and which template shows it. Every page is also .json and .csv."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from audit import charts, queries
from audit.diff import diff
from audit.server.store import Store, Table
from audit.whatif import names, whatif
from audit.why import why

ROWS = 50


class Missing(LookupError):
    """Nothing of that name in this run."""


@dataclass
class Page:
    """What a page shows. `tables`: name -> answer, the first is the .csv."""

    template: str
    title: str
    tables: dict[str, Table] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)  # what is not a table; also in .json


def overview(store: Store, q: dict[str, str]) -> Page:
    from audit.report import funnel

    tables = {
        "fates": store.table(queries.ROLLED), "languages": store.table(queries.ROLLED_LANGUAGES, limit=12),
        "domains": store.table(queries.DOMAINS, kept=True, limit=12), "dead": store.table(queries.DEAD), "optouts": store.table(queries.OPTOUTS),
    }  # fmt: skip
    return Page("overview.html", "Overview", tables, {"funnel": store.remembered("funnel", lambda: funnel(store.run.path))})


def limits(store: Store, q: dict[str, str]) -> Page:
    return Page("limits.html", "Limits", {"rules": _rules(store)}, {"names": _names(store)})


def limit(store: Store, q: dict[str, str], name: str) -> Page:
    known = _names(store)
    if name not in known:
        raise Missing(f"no limit {name!r} in this run")
    rule = known[name][0]
    unit = {"paragraph": "paragraphs", "image": "images", "pair": "images", "document": "documents", "url": "documents"}[rule["unit"]]
    per_unit = store.run.config.get("report", {}).get("histogram_bins", 50)
    bins = store.table(queries.HISTOGRAM, kind=unit, measure=rule["measure"])
    quoted = '"' + rule["measure"].replace('"', '""') + '"'
    query = queries.NEAR if unit == "documents" else queries.NEAR_NODES.replace("{what}", unit)
    tables = {"histogram": bins, "near": store.table(query.format(measure=quoted), limit_at=rule["limit"], limit=20)}
    data: dict[str, Any] = {
        "name": name,
        "rule": rule,
        "unit": unit,
        "value": "",
        "answer": None,
        "error": "",
        **_range(bins.rows, rule["limit"], per_unit),
    }
    value = q.get("value", "").strip()
    if value:
        data["value"] = value
        try:
            data["answer"] = store.remembered(("whatif", name, value), lambda: _whatif(store, [f"{name}={value}"]))
        except ValueError as e:
            data["error"] = str(e)
    shown = [(rule["side"], rule["limit"])] + ([("asked", float(value))] if data["answer"] and _number(value) is not None else [])
    data["svg"] = charts.histogram(bins.rows, per_unit, shown, 700, 150)
    return Page("limit.html", name, tables, data)


def documents(store: Store, q: dict[str, str]) -> Page:
    n = max(0, int(q["page"])) if q.get("page", "").isdigit() else 0
    asked = {k: q.get(k, "") for k in ("q", "domain", "language", "reason", "fate")}
    found = store.table(queries.find(asked), **asked, limit=ROWS + 1, offset=n * ROWS)
    shown = Table(found.sql, found.parameters, found.rows[:ROWS])
    return Page(
        "documents.html",
        "Documents",
        {"documents": shown, "reasons": store.table(queries.ROLLED)},
        {"asked": asked, "page_number": n, "more": len(found.rows) > ROWS},
    )


def find(store: Store, q: dict[str, str]) -> Page:
    """A URL, id or sha256: its record; else documents by part of their URL or title."""
    what = q.get("q", "").strip()
    if what:
        answer = why(store.run, what, store.con.cursor())
        if answer["kind"] != "unknown":
            return record(answer, what)
    return documents(store, q)


def record(answer: dict[str, Any], what: str) -> Page:
    return Page("record.html", what, {}, {"answer": answer})


def document(store: Store, q: dict[str, str], name: str) -> Page:
    if not re.fullmatch(r"[0-9a-f]{32}", name):
        raise Missing("a document's id is 32 hex digits")
    answer = why(store.run, name, store.con.cursor())
    if answer["kind"] == "taken":
        return record(answer, name)
    if answer["kind"] != "document":
        raise Missing(f"no document {name} in this run")
    return record(answer, answer["captures"][0]["document"]["url"])


def image(store: Store, q: dict[str, str], name: str) -> Page:
    answer = why(store.run, name, store.con.cursor()) if re.fullmatch(r"[0-9a-f]{32}", name) else {"kind": ""}
    if answer["kind"] == "taken":
        return record(answer, name)
    if answer["kind"] != "image":
        raise Missing(f"no image {name!r} in this run")
    return record(answer, answer["images"][0]["url"])


def domains(store: Store, q: dict[str, str]) -> Page:
    return Page(
        "domains.html",
        "Domains",
        {"kept": store.table(queries.DOMAINS, kept=True, limit=100), "dropped": store.table(queries.DOMAINS, kept=False, limit=100)},
    )


def domain(store: Store, q: dict[str, str], name: str) -> Page:
    fates = store.table(queries.DOMAIN, domain=name)
    if not fates.rows:
        raise Missing(f"no page of {name!r} in this run")
    return Page(
        "domain.html", name, {"fates": fates, "documents": store.table(queries.find({"domain": name}), domain=name, limit=ROWS, offset=0)}
    )


def gallery(store: Store, q: dict[str, str]) -> Page:
    reason = q.get("reason", "")
    reasons = store.table(queries.IMAGE_REASONS)
    query = queries.GALLERY if "pair_similarity" in _columns(store, "nodes") else queries.GALLERY_PLAIN
    return Page("gallery.html", "Gallery", {"images": store.table(query, reason=reason, limit=60), "reasons": reasons}, {"reason": reason})


def between(store: Store, q: dict[str, str]) -> Page:
    if store.beside is None:
        return Page("diff.html", "Difference", {}, {"diff": None})
    beside = store.beside
    return Page("diff.html", "Difference", {}, {"diff": store.remembered("diff", lambda: diff(store.run, beside)), "beside": beside.path})


def _rules(store: Store) -> Table:
    return store.table('-- every rule of the run and where its limits stood\nSELECT * FROM rules ORDER BY "order", measure, side')


def _names(store: Store) -> dict[str, list[dict[str, Any]]]:
    return names(_rules(store).rows)


def _columns(store: Store, view: str) -> set[str]:
    return store.remembered(("columns", view), lambda: {r["column_name"] for r in store.rows(f"DESCRIBE {view}")})


def _whatif(store: Store, settings: list[str]) -> dict[str, Any]:
    with store.run.connect(store.memory_limit) as con:  # its own: it makes temporary tables
        return asdict(whatif(store.run, settings, 20, con))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _range(rows: list[dict[str, Any]], at: float, per_unit: int) -> dict[str, float]:
    """Ends and step of the slider: what the run holds, and the limit itself."""
    from schemas.bins import edges

    values = [e for r in rows for e in edges(r["bin"], per_unit)] or [at]
    low, high = min(*values, at), max(*values, at)
    span = (high - low) or 1.0
    return {"low": low, "high": high, "step": 1.0 if high > 10 and float(at).is_integer() else float(f"{span / 200:.0e}")}
