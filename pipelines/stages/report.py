"""report: the auditor's tables. First each unit and bucket is joined by file, then the rows are brought into id order.

The second step is a shuffle through files: phase one leaves each part's rows by id range, phase two of one id range reads its rows of
each file (of many units: of files gathered from them). No page or row passes through Beam.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from pipelines import storage
from pipelines.beam import map_parts
from pipelines.report import balance, ranges, rollups, wide
from pipelines.report.rules import rules_table
from pipelines.settings.config import Config
from pipelines.stage import ConservationError, Done, Groups, Stage, StageContext
from schemas import layout, tables
from schemas.manifest import Count, Part

# Nodes per id range: one range's tables are a worker's memory. Small ranges cost a look into every file, so large runs have fewer.
ROWS_PER_RANGE, SMALL_RANGE, MANY_RANGES = 500_000, 100_000, 64
FEW_UNITS = 256  # whose files every range opens itself; one gathering opens no more at once
MANY_GATHERED, GATHERED_ROWS = 64, 4_000_000  # files that ranges open instead: work for as many workers; nodes in each of more
WORK, GATHERED = "work", "gathered"
KINDS = {  # kind in `rollups` -> table and which rows of it
    "documents": ("documents", ""), "paragraphs": ("nodes", "kind = 'text' AND role <> 'end'"), "images": ("nodes", "kind = 'image'"),
    "image_urls": ("images", ""), "pairs": ("pairs", ""),
}  # fmt: skip
IDS = {"documents": "doc_id", "nodes": "doc_id", "pairs": "doc_id", "decisions": "doc_id", "images": "image_id"}


class ReportStage(Stage):
    name: ClassVar[str] = "report"
    reads: ClassVar[tuple[str, ...]] = ("extract", "dedup", "fetch", "score", "select", "pack")

    def settings(self, config: Config) -> dict[str, Any]:
        return {**super().settings(config), "filters": config.filters}

    def plan(self, ctx: StageContext) -> Groups:
        extract, fetch = ctx.inputs["extract"].manifest, ctx.inputs["fetch"].manifest
        rows = max(1, extract.rows("nodes"))
        many = min(4096, max(min(MANY_RANGES, -(-rows // SMALL_RANGE)), -(-rows // ROWS_PER_RANGE)))
        units = extract.parts["unit"]
        gathered = max(MANY_GATHERED, -(-rows // GATHERED_ROWS), -(-len(units) // FEW_UNITS)) if len(units) > FEW_UNITS else 0
        return {
            "unit": units,
            "bucket": fetch.parts["bucket"],
            **({"gather": tuple(f"{i:05d}" for i in range(min(gathered, len(units))))} if gathered else {}),
            "range": tuple(f"{i:04d}" for i in range(many)),
            "run": ("run",),
        }

    def run(self, ctx: StageContext) -> None:
        nodes, urls = ctx.inputs["extract"].manifest.rows("nodes"), ctx.inputs["fetch"].manifest.rows("urls")
        map_parts(ctx.config.runner, ctx.todo("unit"), JoinUnit(ctx), rows=nodes)
        map_parts(ctx.config.runner, ctx.todo("bucket"), JoinBucket(ctx), rows=urls)
        if "gather" in ctx.groups:
            map_parts(ctx.config.runner, ctx.todo("gather"), GatherUnits(ctx), rows=nodes)
        map_parts(ctx.config.runner, ctx.todo("range"), SortRange(ctx), rows=nodes)
        if ctx.todo("run"):
            ctx.writer.commit("run", "run", {"rules": rules_table(ctx.config.filters), **_collected(ctx)})
        storage.remove_tree(ctx.path(WORK))

    def counts(self, ctx: StageContext, written: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        before, fates = ctx.inputs["extract"].manifest.counts, facts["fates"]
        out = {
            kind: _count(before[kind].entered - before[kind].dead, fates.get(kind, {})) for kind in ("documents", "paragraphs", "images")
        }
        packed = ctx.inputs["pack"].manifest.counts
        for kind, c in out.items():
            if c.kept != packed[kind].kept:
                raise ConservationError(
                    f"report: the tables say {c.kept} {kind} were kept, the shards hold {packed[kind].kept} ({balance.difference(ctx)})"
                )
        out["image_urls"] = _count(ctx.inputs["fetch"].manifest.rows("urls"), fates.get("image_urls", {}))
        return out


def _count(entered: int, fates: Mapping[str, int]) -> Count:
    return Count(entered, fates.get("", 0), {r: n for r, n in sorted(fates.items()) if r})


@dataclass(frozen=True)
class JoinUnit:
    """documents, nodes, pairs and decisions of one unit."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        i = self.ctx.inputs
        joined = {
            "measures": _read(i["extract"], "document_measures", unit),
            "nodes": _read(i["extract"], "nodes", unit),
            "dedup": _read(i["dedup"], "decisions", unit),
            "dedup_nodes": _read(i["dedup"], "node_decisions", unit),
            "selected": _read(i["select"], "selected", unit),
            "selected_nodes": _read(i["select"], "node_decisions", unit),
            "verdicts": _read(i["select"], "verdicts", unit),
            "placements": _read(i["score"], "placements", unit),
            "pairs": _read(i["score"], "pairs", unit),
            "packed": _read(i["pack"], "packed", unit),
        }
        documents = wide.sql(wide.DOCUMENTS, joined)
        nodes = wide.sql(wide.nodes_sql(joined["nodes"], joined["placements"]), {**joined, "wide_documents": documents})
        balance.check_unit(unit, {**joined, "wide_documents": documents, "wide_nodes": nodes})
        out = {
            "documents": documents,
            "nodes": nodes,
            "decisions": wide.sql(wide.DECISIONS, {"wide_documents": documents, "wide_nodes": nodes}),
            "pairs": wide.sql(wide.PAIRS, {"pairs": joined["pairs"], "wide_documents": documents, "wide_nodes": nodes}),
        }
        fates = {"documents": _fates(documents)}
        for kind, name in (("text", "paragraphs"), ("image", "images")):
            fates[name] = _fates(
                wide.sql(f"SELECT kept, first_reason FROM nodes WHERE kind = '{kind}' AND role <> 'end'", {"nodes": nodes})
            )
        for name, table in out.items():
            ranges.write(_file(self.ctx, name, unit), table, IDS[name], len(self.ctx.groups["range"]))
        self.ctx.writer.commit("unit", unit, {}, {"fates": fates})


@dataclass(frozen=True)
class JoinBucket:
    """Images of one fetch bucket."""

    ctx: StageContext

    def __call__(self, bucket: str) -> None:
        i = self.ctx.inputs
        joined = {name: _read(i[stage], name, bucket) for stage, name in (("fetch", "urls"), ("score", "images"), ("score", "dead"))}
        balance.check_bucket(bucket, joined)
        images = wide.sql(wide.IMAGES, joined)
        ranges.write(_file(self.ctx, "images", bucket), images, IDS["images"], len(self.ctx.groups["range"]))
        self.ctx.writer.commit("bucket", bucket, {}, {"fates": {"image_urls": _fates(images)}})


@dataclass(frozen=True)
class GatherUnits:
    """The files of a stretch of units as one: if every range opened every unit's files, twice the input would take four times as long.
    (There are never more than a few thousand buckets, so images need no such step.)"""

    ctx: StageContext

    def __call__(self, part: str) -> None:
        units, parts = self.ctx.groups["unit"], self.ctx.groups["gather"]
        at = parts.index(part)
        mine = units[at * len(units) // len(parts) : (at + 1) * len(units) // len(parts)]
        for name in IDS:
            if name != "images":
                ranges.gather([_file(self.ctx, name, u) for u in mine], _file(self.ctx, name, part, GATHERED))
        self.ctx.writer.commit("gather", part, {})


def _file(ctx: StageContext, table: str, part: str, folder: str = "joined") -> str:
    """Rows of a unit, a bucket or (in GATHERED) of several units, by range. They are deleted when the stage is done."""
    return ctx.path(WORK, folder, table, f"{part}.arrow")


@dataclass(frozen=True)
class SortRange:
    """One id range of every wide table, sorted, and its roll-ups."""

    ctx: StageContext

    def __call__(self, part: str) -> None:
        written: list[tuple[str, Part]] = []
        rolled: list[pa.Table] = []
        for name, key in IDS.items():  # one table at a time: nodes alone are a few hundred megabytes
            table = ranges.read(self._sources(name), int(part)).sort_by([(key, "ascending")])
            written.append((name, storage.write_table(self.ctx.root, layout.table_file(name, part), table)))
            for kind in (k for k, (of, _) in KINDS.items() if of == name):
                where = KINDS[kind][1]
                rows = wide.sql(f"SELECT * FROM t WHERE {where}", {"t": table}) if where else table
                rolled.append(rollups.rollup(kind, rows, _measures(rows), self.ctx.config.report.histogram_bins))
        rollup = pa.concat_tables(rolled)
        written.append(("rollups", storage.write_table(self.ctx.root, layout.table_file("rollups", part), rollup)))
        self.ctx.writer.commit_written("range", part, written)

    def _sources(self, name: str) -> list[str]:
        """The files that hold a table's rows of all units or buckets."""
        if name == "images":
            return [_file(self.ctx, name, bucket) for bucket in self.ctx.groups["bucket"]]
        if "gather" in self.ctx.groups:
            return [_file(self.ctx, name, part, GATHERED) for part in self.ctx.groups["gather"]]
        return [_file(self.ctx, name, unit) for unit in self.ctx.groups["unit"]]


def _measures(table: pa.Table) -> list[str]:
    skip = {"blob_offset", "warc_offset"}
    return [f.name for f in table.schema if pa.types.is_float64(f.type) and f.name not in skip]


def _fates(table: pa.Table) -> dict[str, int]:
    counted = table.group_by(["kept", "first_reason"]).aggregate([([], "count_all")]).to_pylist()
    out: dict[str, int] = {}
    for row in counted:
        reason = "" if row["kept"] else row["first_reason"] or "unexplained"
        out[reason] = out.get(reason, 0) + row["count_all"]
    return out


def _read(done: Done, table: str, part: str) -> pa.Table:
    found = done.read(table, part)
    return tables.schema(table).empty_table() if found is None else found


def _collected(ctx: StageContext) -> dict[str, pa.Table]:
    """Dead letters and opt-outs of all stages: few, so gathered in one place."""
    out = {}
    for table in ("dead", "optouts"):
        found = [storage.read_table(path) for done in ctx.inputs.values() for path in done.paths(table)]
        schema = tables.schema(table)
        out[table] = pa.concat_tables([schema.empty_table(), *(t.cast(schema) for t in found)])
    return out
