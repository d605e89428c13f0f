"""What differs between two runs: verdicts that flip, and what may have caused it."""

from __future__ import annotations

from typing import Any

from audit.queries import ask
from audit.run import Run

PAIRED = """
CREATE TEMP TABLE paired AS
WITH a AS (SELECT doc_id, any_value(url) AS url, any_value(domain) AS domain, any_value(language) AS language, bool_or(kept) AS kept,
                  arg_max(first_reason, kept) AS reason FROM documents GROUP BY doc_id),
     b AS (SELECT doc_id, any_value(url) AS url, any_value(domain) AS domain, any_value(language) AS language, bool_or(kept) AS kept,
                  arg_max(first_reason, kept) AS reason FROM other_documents GROUP BY doc_id)
SELECT coalesce(a.doc_id, b.doc_id) AS doc_id, coalesce(a.url, b.url) AS url, coalesce(a.domain, b.domain) AS domain, coalesce(a.language, b.language) AS language,
       a.doc_id IS NOT NULL AS in_a, b.doc_id IS NOT NULL AS in_b, coalesce(a.kept, false) AS kept_a, coalesce(b.kept, false) AS kept_b,
       CASE WHEN a.doc_id IS NULL THEN 'not in the inputs' ELSE a.reason END AS reason_a,
       CASE WHEN b.doc_id IS NULL THEN 'not in the inputs' ELSE b.reason END AS reason_b
FROM a FULL JOIN b ON a.doc_id = b.doc_id"""

TOTAL = """
-- pages and kept pages of each run, and how many change sides
SELECT count(*) FILTER (in_a) AS pages_a, count(*) FILTER (in_b) AS pages_b, count(*) FILTER (kept_a) AS kept_a, count(*) FILTER (kept_b) AS kept_b,
       count(*) FILTER (kept_b AND NOT kept_a) AS came_in, count(*) FILTER (kept_a AND NOT kept_b) AS went_out,
       count(*) FILTER (NOT kept_a AND NOT kept_b AND reason_a <> reason_b) AS other_reason FROM paired"""

BY_REASON = """
-- documents that change sides or reason, by both reasons
SELECT reason_a, reason_b, count(*) AS n FROM paired WHERE reason_a <> reason_b GROUP BY ALL ORDER BY n DESC, reason_a, reason_b LIMIT $limit"""

BY = """
-- documents that change sides, per {column}
SELECT {column}, count(*) FILTER (kept_a) AS kept_a, count(*) FILTER (kept_b) AS kept_b, count(*) FILTER (kept_b AND NOT kept_a) AS came_in,
       count(*) FILTER (kept_a AND NOT kept_b) AS went_out FROM paired GROUP BY ALL HAVING came_in + went_out > 0
ORDER BY came_in + went_out DESC, {column} LIMIT $limit"""

ROWS = """
-- documents that change sides, in an order that depends on nothing but their ids
SELECT doc_id, url, domain, language, kept_a, kept_b, reason_a, reason_b FROM paired WHERE kept_a <> kept_b ORDER BY hash(doc_id), doc_id LIMIT $limit"""


def diff(a: Run, b: Run, rows: int = 40) -> dict[str, Any]:
    """Flips by reason, domain and language, example rows, and the differences of configuration, code, models and inputs."""
    with a.connect(beside=b) as con:
        con.execute(PAIRED)
        return {
            "total": ask(con, TOTAL)[0], "reasons": ask(con, BY_REASON, limit=60), "languages": ask(con, BY.format(column="language"), limit=40),
            "domains": ask(con, BY.format(column="domain"), limit=40), "rows": ask(con, ROWS, limit=rows),
            "config": _between(flat(a.config), flat(b.config)), **_made(a, b),
        }  # fmt: skip


def _made(a: Run, b: Run) -> dict[str, Any]:
    code = _between({n: m.code for n, m in a.stages.items()}, {n: m.code for n, m in b.stages.items()})
    models = _between(
        flat(a.stages["score"].facts if "score" in a.stages else {}), flat(b.stages["score"].facts if "score" in b.stages else {})
    )
    inputs = _between(a.stages["extract"].inputs, b.stages["extract"].inputs)
    return {"code": code, "models": [m for m in models if "model" in m["key"] or "clip" in m["key"]], "inputs": inputs}


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as `a.b` -> value."""
    if not isinstance(value, dict):
        return {prefix: value}
    out: dict[str, Any] = {}
    for key, inner in value.items():
        out |= flat(inner, f"{prefix}.{key}" if prefix else str(key))
    return out


def _between(a: dict[str, Any], b: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": k, "a": a.get(k), "b": b.get(k)} for k in sorted({*a, *b}) if a.get(k) != b.get(k)]
