"""Judging again, as SQL: the audit tables under other limits. One query over one row per document; `audit.whatif` asks it.

The order of things is the pipeline's own: limits at extract, what dedup decided, then images (fetch, image limits, copies, pair limits, second
time in a document), then documents by what is left of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Key = tuple[str, str, str, tuple[str, ...]]  # rule, measure, side, languages it is not for

TOTAL = """
-- kept before and after; low and high are the bounds
SELECT count(*) AS pages, count(*) FILTER (kept) AS before, round(sum(point))::BIGINT AS after, count(*) FILTER (low)
       - least(count(*) FILTER (admitted), count(*) FILTER (kept)) AS low, count(*) FILTER (high) AS high,
       sum(CASE WHEN kept THEN coalesce(images_kept, 0) ELSE 0 END)::BIGINT AS images_before, round(sum(point * images))::BIGINT AS images_after
FROM judged"""

FUNNEL = """
-- documents by the first reason that takes them, before and after
SELECT * FROM (SELECT stage, reason, sum(before)::BIGINT AS before, round(sum(after))::BIGINT AS after FROM (
  SELECT stage, first_reason AS reason, 1 AS before, 0.0 AS after FROM judged
  UNION ALL SELECT new_stage, new_reason, 0, CASE WHEN new_reason = '' THEN point ELSE 1 END FROM judged
  UNION ALL SELECT '?', 'estimated.lost_later', 0, 1 - point FROM judged WHERE new_reason = '' AND point < 1)
GROUP BY ALL) WHERE before > 0 OR after > 0 ORDER BY reason <> '', before DESC, stage, reason"""

BY = """
-- kept documents per {column}, before and after, with the bounds
SELECT {column}, count(*) AS pages, count(*) FILTER (kept) AS before, round(sum(point))::BIGINT AS after,
       count(*) FILTER (low) AS low, count(*) FILTER (high) AS high
FROM judged GROUP BY ALL ORDER BY abs(round(sum(point)) - count(*) FILTER (kept)) DESC, pages DESC, {column} LIMIT $limit"""

FLIPS = """
-- documents that change sides, in a fixed order that depends on nothing but their ids
SELECT doc_id, url, domain, language, stage, first_reason AS reason, new_stage, new_reason, point FROM judged
WHERE kept <> $kept AND (point > 0) = $kept ORDER BY doc_id LIMIT $limit"""

COPIES = """
-- pictures that newly come in and that could belong to more than $most nodes: same bytes, or PDQ hashes near each other
WITH fresh AS (SELECT DISTINCT sha256, pdq FROM moved WHERE NOT was AND sha256 <> ''),
     there AS (SELECT sha256, any_value(pdq) AS pdq, count(*) AS n FROM nodes WHERE sha256 <> '' GROUP BY sha256),
     near AS (SELECT f.sha256, count(*) AS pictures, sum(t.n) AS nodes FROM fresh f JOIN there t
              ON t.sha256 = f.sha256 OR (f.pdq <> '' AND t.pdq <> '' AND bit_count(xor(('0x' || f.pdq[1:16])::UBIGINT, ('0x' || t.pdq[1:16])::UBIGINT))
               + bit_count(xor(('0x' || f.pdq[17:32])::UBIGINT, ('0x' || t.pdq[17:32])::UBIGINT)) + bit_count(xor(('0x' || f.pdq[33:48])::UBIGINT, ('0x' || t.pdq[33:48])::UBIGINT))
               + bit_count(xor(('0x' || f.pdq[49:64])::UBIGINT, ('0x' || t.pdq[49:64])::UBIGINT)) <= {distance}) GROUP BY f.sha256)
SELECT count(*) AS n FROM near WHERE nodes > $most OR pictures > 1"""


def columns(con: Any) -> dict[str, set[str]]:
    """View -> its columns."""
    return {v: {r[0] for r in con.execute(f"DESCRIBE {v}").fetchall()} for v in ("documents", "nodes")}


def _list(values: list[str]) -> str:
    return "[" + ", ".join("'" + v.replace("'", "''") + "'" for v in values) + "]::VARCHAR[]"


@dataclass
class Plan:
    """The query for one set of changes. `changes`: which limit -> its new value (None: off)."""

    rules: list[dict[str, Any]]
    changes: Mapping[Key, float | None]
    select: Mapping[str, Any]
    columns: Mapping[str, set[str]]

    @cached_property
    def limits(self) -> list[dict[str, Any]]:
        """Limits that judge, with the value before (`limit`) and after (`new`)."""
        out = []
        for r in self.rules:
            if r["side"] and not r["shadow"]:
                key = (r["rule"], r["measure"], r["side"], tuple(r["but"] or ()))
                moved = key in self.changes and not r["only"]
                out.append({**r, "new": self.changes[key] if moved else r["limit"], "moved": moved})
        return out

    def touched(self, unit: str, at: str = "") -> bool:
        return any(x["moved"] and x["new"] != x["limit"] for x in self.limits if x["unit"] == unit and (not at or x["at"] == at))

    def _of(self, units: tuple[str, ...], at: tuple[str, ...], moved: bool = False) -> list[dict[str, Any]]:
        return [x for x in self.limits if x["unit"] in units and x["at"] in at and (not moved or x["moved"])]

    def test(self, limit: Mapping[str, Any], view: str, prefix: str, which: str = "new") -> str:
        """A limit as SQL: true where it fails. NULL and NaN pass, as in the pipeline."""
        value, measure = limit[which], limit["measure"]
        if value is None or measure not in self.columns[view]:
            return "false"
        column = f'{prefix}."{measure}"'
        number = f"'{value}'::DOUBLE" if abs(value) == float("inf") else repr(float(value))
        beyond = f"({column} > {number} AND NOT isnan({column}))" if limit["side"] == "above" else f"{column} < {number}"
        out = f"coalesce({beyond}, false)"
        if limit["only"]:
            out += f" AND coalesce({prefix}.language, '') IN (SELECT unnest({_list(limit['only'])}))"
        if limit["but"]:
            out += f" AND coalesce({prefix}.language, '') NOT IN (SELECT unnest({_list(limit['but'])}))"
        return f"({out})"

    def _any(self, limits: list[dict[str, Any]], view: str, prefix: str, which: str = "new") -> str:
        return " OR ".join(self.test(x, view, prefix, which) for x in limits) or "false"

    def _first(self, limits: list[dict[str, Any]], view: str, prefix: str) -> str:
        whens = [f"WHEN {self.test(x, view, prefix)} THEN '{x['reason']}'" for x in limits if x["new"] is not None]
        return f"CASE {' '.join(whens)} ELSE '' END" if whens else "''"

    @cached_property
    def _reasons(self) -> str:
        """Reasons that limits give, of which the stored ones are replaced by those of the new limits."""
        return _list(sorted({"image.duplicate.in_document"} | {x["reason"] for x in self.limits}))

    def _others(self, column: str) -> str:
        """Whether a row has a reason that no limit gave."""
        return f"NOT list_has_all({self._reasons}, {column})"

    # --- images in play at select ---

    def images(self) -> str:
        """Documents with the number of their images that stay under the new limits."""
        image, pair = self._of(("image",), ("score",)), self._of(("pair",), ("select",))
        if self.select.get("keep_fraction"):  # the cut decides in place of the similarity's lower limit
            pair = [x for x in pair if x["reason"] != "pair.similarity.below"]
        gone_image, gone_pair = self._any(image, "nodes", "n"), self._any(pair, "nodes", "n")
        if self.select.get("keep_fraction"):
            gone_pair = f"({gone_pair}) OR list_contains(n.reasons, 'pair.similarity.below')"
        gone = f"({gone_image}) AND ({gone_pair})" if self.select.get("combine", "and") == "or" else f"({gone_image}) OR ({gone_pair})"
        # a picture stays once in a document, wherever it stands first
        once = "len(list_distinct(list(hash(n.sha256))))" if self.select.get("copies_in_document", True) else "count(*)"
        return f"""
  SELECT n.doc_id, n.record, {once} AS n FROM nodes n
  WHERE n.kind = 'image' AND n.fetch_status <> '' AND NOT ({self._others("n.reasons")} OR {gone}) GROUP BY ALL"""

    def moved(self) -> str:
        """Image nodes that image limits take or give back: `was` says which, `copied` whether the picture occurs too often."""
        image = self._of(("image",), ("score",))
        return f"""
SELECT sha256, pdq, NOT was AS was, copied FROM (
  SELECT n.sha256, n.pdq, {self._any(image, "nodes", "n", "limit")} AS was, {self._any(image, "nodes", "n")} AS now,
         list_contains(n.reasons, 'image.duplicate.copies') AS copied
  FROM nodes n WHERE n.kind = 'image' AND n.fetch_status = 'success' AND NOT list_contains(n.reasons, 'image.decode.failed')) WHERE was <> now"""

    def _nodes_touched(self) -> str:
        """Documents whose nodes at extract fare otherwise than in the run."""
        parts = []
        for unit, kind in (("paragraph", "text"), ("image", "image")):
            limits = self._of((unit,), ("extract",))
            if self.touched(unit, "extract"):
                parts.append(
                    f"SELECT n.doc_id, n.record FROM nodes n WHERE n.kind = '{kind}' AND ({self._any(limits, 'nodes', 'n', 'limit')}) <> ({self._any(limits, 'nodes', 'n')})"
                )
        return (
            "SELECT DISTINCT doc_id, record FROM ("
            + (" UNION ALL ".join(parts) or "SELECT ''::VARCHAR AS doc_id, -1 AS record WHERE false")
            + ")"
        )

    def sql(self) -> str:
        """One row per document: `point` (0..1) the share of it that is kept under the new limits, `low` and `high` whether it surely or possibly is."""
        early, late = self._of(("url", "document"), ("extract",)), self._of(("document",), ("select",))
        at_extract = {x["reason"] for x in early}
        need_image, need_text = self.select.get("require_image", True), self.select.get("require_text", True)
        left, first = self._any(late, "documents", "x"), self._first(late, "documents", "x")
        fixed = _list(sorted(at_extract))
        others_early = f"d.stage = 'extract' AND (NOT list_has_all({fixed}, d.reasons) OR len(d.reasons) = 0)"
        decided = self._first(early, "documents", "d")
        stirred = """(SELECT coalesce(bool_or(touched OR (early <> '' AND stage <> 'extract') OR (NOT fixed AND early = '' AND stage = 'extract')), false) FROM x)"""
        if not any(x["moved"] and x["new"] != x["limit"] and x["at"] == "extract" for x in self.limits):  # extract stands as it was
            others_early, decided, stirred = "d.stage = 'extract'", "''", "false"
        measured = ', i.n::DOUBLE AS "final_images"' if "final_images" in self.columns["documents"] else ""
        hide = ' EXCLUDE ("final_images")' if measured else ""
        pass_rate = "(SELECT coalesce(count(*) FILTER (kept) / nullif(count(*), 0), 0.0) FROM documents WHERE stage <> 'extract')"
        return f"""
WITH left_images AS NOT MATERIALIZED ({self.images()}),
touched AS NOT MATERIALIZED ({self._nodes_touched()}),
x AS NOT MATERIALIZED (
  SELECT d.*{hide}, coalesce(i.n, 0) AS images{measured.replace("i.n", "coalesce(i.n, 0)")}, t.doc_id IS NOT NULL AS touched,
         {others_early} AS fixed, {decided} AS early, coalesce(d.texts_kept, 0) AS texts,
         list_contains(d.reasons, 'document.contaminated') AS contaminated
  FROM documents d LEFT JOIN left_images i ON i.doc_id = d.doc_id AND i.record = d.record
                   LEFT JOIN touched t ON t.doc_id = d.doc_id AND t.record = d.record),
y AS NOT MATERIALIZED (
  SELECT x.*, CASE WHEN contaminated THEN 'document.contaminated' WHEN {str(need_image).lower()} AND images = 0 THEN 'document.empty.no_image'
              WHEN {str(need_text).lower()} AND texts = 0 THEN 'document.empty.no_text' WHEN {left} THEN {first} ELSE '' END AS late,
         NOT fixed AND early = '' AND stage = 'extract' AND first_reason <> '' AND NOT touched AS admitted,
         {pass_rate} AS rate,
         {stirred} AS stirred
  FROM x)
SELECT doc_id, record, url, domain, language, kept, stage, first_reason, images_kept, touched,
       admitted,
       CASE WHEN fixed THEN 0.0 WHEN touched THEN CASE WHEN kept THEN 1.0 ELSE 0.0 END WHEN early <> '' THEN 0.0 WHEN admitted THEN rate
            WHEN stage IN ('dedup', 'pack') THEN 0.0 WHEN late = '' THEN 1.0 ELSE 0.0 END AS point,
       CASE WHEN fixed OR touched OR early <> '' OR admitted OR stage IN ('dedup', 'pack') THEN false ELSE late = '' END AS low,
       CASE WHEN fixed THEN false WHEN touched THEN true WHEN early <> '' THEN false WHEN admitted THEN true
            WHEN stage = 'dedup' THEN stirred WHEN stage = 'pack' THEN false ELSE late = '' END AS high,
       CASE WHEN fixed OR touched THEN stage WHEN early <> '' THEN 'extract' WHEN admitted THEN '' WHEN stage IN ('dedup', 'pack') THEN stage
            WHEN late <> '' THEN 'select' ELSE '' END AS new_stage,
       CASE WHEN fixed OR touched THEN first_reason WHEN early <> '' THEN early WHEN admitted THEN '' WHEN stage IN ('dedup', 'pack') THEN first_reason ELSE late END
         AS new_reason,
       CASE WHEN touched OR (kept AND admitted) THEN coalesce(images_kept, 0) ELSE images END AS images
FROM y"""
