"""No record may vanish between two stages: every one that a stage kept must be answered by the next, and the record that is not is named.

The counts of a manifest say that something is missing; these joins, by file, say what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines import storage
from pipelines.report.wide import sql
from pipelines.stage import ConservationError

if TYPE_CHECKING:
    from pipelines.stage import StageContext

# (what went missing, SQL that lists the records). Each query gives columns id, url, place.
UNIT = (
    ("documents kept by extract, without a decision of dedup",
     "SELECT m.doc_id AS id, m.url, m.row AS place FROM measures m ANTI JOIN dedup d ON d.row = m.row WHERE m.kept"),
    ("documents kept by dedup, without a decision of select",
     "SELECT m.doc_id AS id, m.url, m.row AS place FROM measures m JOIN dedup d ON d.row = m.row AND d.kept ANTI JOIN selected s ON s.row = m.row"),
    ("documents kept by select, without a decision of pack",
     "SELECT m.doc_id AS id, m.url, m.row AS place FROM measures m JOIN selected s ON s.row = m.row AND s.kept ANTI JOIN packed p ON p.row = m.row"),
    ("decisions of dedup about documents that extract did not keep",
     "SELECT d.doc_id AS id, '' AS url, d.row AS place FROM dedup d ANTI JOIN measures m ON m.row = d.row"),
    ("decisions of select about documents that dedup did not keep",
     "SELECT s.doc_id AS id, '' AS url, s.row AS place FROM selected s ANTI JOIN (SELECT row FROM dedup WHERE kept) d ON d.row = s.row"),
    ("documents packed that select did not keep",
     "SELECT p.doc_id AS id, '' AS url, p.row AS place FROM packed p ANTI JOIN (SELECT row FROM selected WHERE kept) s ON s.row = p.row"),
    ("documents that extract measured and the audit tables lack or repeat",
     """SELECT coalesce(m.doc_id, w.doc_id) AS id, coalesce(m.url, w.url) AS url, coalesce(m.record, w.record) AS place
        FROM (SELECT doc_id, record, any_value(url) AS url, count(*) AS n FROM measures GROUP BY ALL) m
        FULL JOIN (SELECT doc_id, record, any_value(url) AS url, count(*) AS n FROM wide_documents GROUP BY ALL) w
        ON m.doc_id = w.doc_id AND m.record = w.record WHERE m.n IS DISTINCT FROM w.n"""),
    ("nodes that extract found and the audit tables lack or repeat",
     """SELECT coalesce(m.doc_id, w.doc_id) AS id, coalesce(m.url, w.url) AS url, coalesce(m.index, w.index) AS place
        FROM (SELECT doc_id, record, index, any_value(url) AS url, count(*) AS n FROM nodes GROUP BY ALL) m
        FULL JOIN (SELECT doc_id, record, index, any_value(url) AS url, count(*) AS n FROM wide_nodes GROUP BY ALL) w
        ON m.doc_id = w.doc_id AND m.record = w.record AND m.index = w.index WHERE m.n IS DISTINCT FROM w.n"""),
    ("nodes still in play after dedup, without a decision of select",
     """SELECT n.doc_id AS id, n.url, n.index AS place FROM nodes n JOIN measures m ON m.doc_id = n.doc_id AND m.record = n.record
        JOIN selected s ON s.row = m.row
        ANTI JOIN (SELECT row, index FROM selected_nodes UNION ALL SELECT row, index FROM dedup_nodes WHERE NOT kept) a
        ON a.row = m.row AND a.index = n.index WHERE n.first_reason = ''"""),
    ("image nodes still in play after dedup that score did not place",
     """SELECT n.doc_id AS id, n.url, n.index AS place FROM nodes n JOIN measures m ON m.doc_id = n.doc_id AND m.record = n.record
        JOIN selected_nodes s ON s.row = m.row AND s.index = n.index ANTI JOIN placements p ON p.row = m.row AND p.index = n.index
        WHERE n.kind = 'image'"""),
)  # fmt: skip

BUCKET = (
    ("images fetched that score neither judged nor gave up as dead letters",
     """SELECT u.image_id AS id, u.url, 0 AS place FROM urls u ANTI JOIN images i ON i.image_id = u.image_id
        ANTI JOIN dead d ON d.id = u.image_id OR d.url = u.url WHERE u.status = 'success'"""),
    ("images judged by score that fetch never answered for",
     "SELECT i.image_id AS id, i.url, 0 AS place FROM images i ANTI JOIN urls u ON u.image_id = i.image_id"),
)  # fmt: skip


def check_unit(unit: str, joined: Mapping[str, pa.Table]) -> None:
    """ConservationError names the first records of a unit that one stage kept and the next does not know."""
    _check(f"unit {unit}", UNIT, joined)


def check_bucket(bucket: str, joined: Mapping[str, pa.Table]) -> None:
    """The same for the images of a fetch bucket."""
    _check(f"bucket {bucket}", BUCKET, joined)


def _check(where: str, questions: tuple[tuple[str, str], ...], joined: Mapping[str, pa.Table]) -> None:
    for what, query in questions:
        found = sql(f"{query} ORDER BY id, place", joined)
        if found.num_rows:
            named = ", ".join(f"{r['id']} ({r['url'][:200] or 'no URL'}, at {r['place']})" for r in found.slice(0, 3).to_pylist())
            raise ConservationError(
                f"report: {found.num_rows} {what} in {where}: {named}{', ...' if found.num_rows > 3 else ''}. "
                "This is a defect of weft or a changed file: delete the named stage's folder and run again; if it comes back, report it"
            )


def difference(ctx: StageContext) -> str:
    """Which documents differ between the audit tables and the shards' index, in words."""
    tables = {"said": _ids(ctx, "packed"), "held": _ids(ctx, "index")}
    found = sql(
        "(SELECT id, 'not in a shard' AS why FROM said EXCEPT ALL SELECT id, 'not in a shard' FROM held) UNION ALL "
        "(SELECT id, 'in a shard, but not kept' FROM held EXCEPT ALL SELECT id, 'in a shard, but not kept' FROM said) ORDER BY ALL LIMIT 3",
        tables,
    ).to_pylist()
    return ", ".join(f"{r['id']} {r['why']}" for r in found) or "the same documents, with other nodes"


def _ids(ctx: StageContext, table: str) -> pa.Table:
    column, out = ("doc_id", "kept") if table == "packed" else ("key", ""), []
    for path in ctx.inputs["pack"].paths(table):
        t = storage.read_table(path, [c for c in column if c])
        out.append(pa.table({"id": (t.filter(t["kept"]) if table == "packed" else t)[column[0]]}))
    return pa.concat_tables([pa.table({"id": pa.array([], pa.string())}), *out])
