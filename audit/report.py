"""report.html: one self-contained file without a script, made from the run's tables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from audit import charts, fairness, mirror, queries, samples
from audit.queries import ask
from audit.run import Run
from schemas import layout

KINDS = ("documents", "paragraphs", "images")


def funnel(run: str) -> dict[str, Any]:
    """The conserved funnel as numbers: kind -> stages in order, each entered = kept + dropped + dead."""
    r = Run(run)
    out: dict[str, Any] = {}
    for kind in KINDS:
        out[kind] = [
            {"stage": name, "entered": c.entered, "kept": c.kept, "dead": c.dead, "dropped": c.dropped}
            for name, m in r.stages.items()
            if name != "report" and (c := m.counts.get(kind)) is not None
        ]
    return out


def write_report(run: str) -> str:
    """Write RUN/report.html (whole or not at all) and return its path."""
    r = Run(run)
    html = render(r)
    if mirror.is_remote(run):
        return mirror.put(run, layout.REPORT, html)
    path = os.path.join(run, layout.REPORT)
    temporary = path + ".tmp"
    Path(temporary).write_text(html, encoding="utf-8")
    os.replace(temporary, path)
    return path


def render(run: Run) -> str:
    from jinja2 import Environment, PackageLoader

    env = Environment(loader=PackageLoader("audit"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    env.filters |= {"comma": lambda n: f"{n:,}", "percent": lambda x: f"{x:.1%}", "short": _short, "bytes": _bytes}
    return env.get_template("report.html").render(collect(run), charts=charts)


def collect(run: Run) -> dict[str, Any]:
    """All that the page shows, as plain data."""
    per_unit = run.config.get("report", {}).get("histogram_bins", 50)
    per_reason = run.config.get("report", {}).get("samples_per_reason", 12)
    with run.connect() as con:
        fates = ask(con, queries.FATES)
        rules = ask(con, 'SELECT * FROM rules ORDER BY "order", measure')
        limits: dict[str, list[tuple[str, float]]] = {}
        for rule in rules:
            if rule["side"]:
                limits.setdefault(rule["measure"], []).append((rule["side"], rule["limit"]))
        measured = ask(con, "SELECT DISTINCT kind, measure FROM rollups WHERE measure <> '' ORDER BY kind, measure")
        histograms = [
            {
                "kind": m["kind"],
                "measure": m["measure"],
                "svg": charts.histogram(ask(con, queries.HISTOGRAM, **m), per_unit, limits.get(m["measure"], [])),
                "limits": limits.get(m["measure"], []),
            }
            for m in measured
            if m["measure"] in limits
        ]
        reasons = list(dict.fromkeys(f["reason"] for f in fates if f["kind"] == "documents" and f["reason"]))
        kept = max(1, next((f["n"] for f in fates if f["kind"] == "documents" and not f["reason"]), 0))
        languages = fairness.groups(ask(con, fairness.GROUPS.format(name="language", column="language")))
        tlds = ask(con, fairness.GROUPS.format(name="top-level domain", column="regexp_extract(domain, '[^.]+$')"))
        return {
            "fair": [
                ("Language", languages[:25]),
                ("Script", fairness.groups(fairness.scripts(languages))),
                ("Top-level domain", fairness.groups(tlds)[:25]),
            ],
            "unfair": fairness.unfair(ask(con, fairness.FAILS), languages),
            "cost": _cost(run, con, kept),
            "pictures": samples.pictures(run, con),
            "name": run.config.get("run", {}).get("name", ""),
            "path": os.path.basename(os.path.abspath(run.path)),
            "funnel": funnel(run.path),
            "stages": [{"name": n, "digest": m.digest, "code": m.code, "seconds": run.timing(n)["seconds"]} for n, m in run.stages.items()],
            "fates": {k: [f for f in fates if f["kind"] == k] for k in KINDS},
            "histograms": histograms,
            "languages": ask(con, queries.LANGUAGES, limit=20),
            "domains_kept": ask(con, queries.DOMAINS, kept=True, limit=15),
            "domains_dropped": ask(con, queries.DOMAINS, kept=False, limit=15),
            "fetches": ask(con, queries.FETCHES),
            "only": ask(con, queries.ONLY),
            "dead": ask(con, queries.DEAD),
            "optouts": ask(con, queries.OPTOUTS),
            "samples": samples.documents(run, con, reasons, per_reason),
            "rules": rules,
        }


def _cost(run: Run, con: Any, kept: int) -> list[dict[str, Any]]:
    """Time, CPU time, GPU time and bytes of each stage, and per kept document; a last row for all."""
    out: list[dict[str, Any]] = []
    for name, m in run.stages.items():
        size = sum(p.bytes for parts in m.tables.values() for p in parts)
        out.append({"stage": name, "bytes": size, **run.timing(name)})
    fields = ("seconds", "cpu_seconds", "gpu_seconds", "bytes")
    out.append({"stage": "all", **{f: None if any(c[f] is None for c in out) else sum(c[f] for c in out) for f in fields}})
    return [{**c, **{f"{f}_each": None if c[f] is None else c[f] / kept for f in fields}} for c in out]


def _short(text: object, n: int = 100) -> str:
    s = " ".join(str(text).split())
    return s if len(s) <= n else s[: n - 1] + "…"


def _bytes(n: float | None) -> str:
    x = float(n or 0)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if x < 1000 or unit == "TB":
            return f"{x:.0f} {unit}" if unit == "B" else f"{x:.1f} {unit}"
        x /= 1000
    return ""
