"""Stage `pack`: kept documents and their images' bytes into shards. No shuffle: passes over files (docs/shards.md).

rows    per unit: kept documents, sorted by shard, without image bytes
gather  of many units: the rows of a stretch of them in one file
shard   per shard: its rows out of every such file, image bytes out of fetch's blobs; tar and index
packed  per unit: where each document went
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import pyarrow as pa

from pipelines import storage
from pipelines.beam import map_parts
from pipelines.settings.config import Config
from pipelines.shards import plan
from pipelines.shards.fill import Blobs, fill
from pipelines.shards.index import tokens
from pipelines.shards.locate import Places, uses, write
from pipelines.shards.recode import recoder
from pipelines.shards.rows import gather, gathered_rows, measure_names, shard_rows, unit_rows, write_rows
from pipelines.shards.writer import ShardWriter
from pipelines.stage import Groups, Stage, StageContext
from schemas import layout
from schemas.manifest import Count, Part
from schemas.reasons import Reason
from schemas.shard import TRAIN, VAL, parse_id, shard_id
from schemas.tables import schema

PLACES = "places.bin"
GATHERED = "work"  # a folder that is deleted when the stage is done
FEW_UNITS = 256  # whose files every shard opens itself; one gathering opens no more at once
MANY_GATHERED = 64  # work for as many workers
INPUTS = ("extract", "dedup", "fetch", "score", "select")


class PackStage(Stage):
    name: ClassVar[str] = "pack"
    reads: ClassVar[tuple[str, ...]] = INPUTS

    def sources(self, config: Config) -> dict[str, str]:
        return {f"tokenizer {config.pack.tokenizer}": storage.sha256_of(config.pack.tokenizer)} if config.pack.tokenizer else {}

    def settings(self, config: Config) -> dict[str, Any]:
        again = recoder(config.pack)
        return {**super().settings(config), **({"codec": again.codec} if again else {})}

    def plan(self, ctx: StageContext) -> Groups:
        shards = plan.shard_counts(ctx.inputs, ctx.config.pack)
        names = [shard_id(split, i) for split in (TRAIN, VAL) for i in range(shards[split])]
        units = ctx.inputs["extract"].manifest.parts["unit"]
        gathered = min(len(units), max(MANY_GATHERED, -(-len(units) // FEW_UNITS))) if len(units) > FEW_UNITS else 0
        gather = {"gather": tuple(f"{i:05d}" for i in range(gathered))} if gathered else {}
        return {"rows": units, **gather, "shard": tuple(names), "unit": units}

    def facts(self, ctx: StageContext, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {**facts, "tokenizer": tokens(ctx.config.pack.tokenizer)[0]}

    def run(self, ctx: StageContext) -> None:
        runner, nodes = ctx.config.runner, ctx.inputs["extract"].manifest.rows("nodes")
        if ctx.todo("rows"):
            select, units = ctx.inputs["select"], ctx.groups["unit"]
            write(ctx.path(PLACES), ctx.inputs["fetch"], uses(select, units))
            map_parts(runner, ctx.todo("rows"), Rows(ctx), rows=nodes)
        if "gather" in ctx.groups:
            map_parts(runner, ctx.todo("gather"), GatherRows(ctx), rows=nodes)
        map_parts(runner, ctx.todo("shard"), Shard(ctx))
        map_parts(runner, ctx.todo("unit"), Packed(ctx), rows=nodes)
        storage.remove_tree(ctx.path(GATHERED))

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        entered = {"documents": 0, "paragraphs": 0, "images": 0}
        for path in ctx.inputs["select"].paths("selected"):
            t = storage.read_table(path, ["kept", "n_text", "n_images"])
            t = t.filter(t["kept"])
            entered["documents"] += t.num_rows
            entered["paragraphs"] += sum(t["n_text"].to_pylist())
            entered["images"] += sum(t["n_images"].to_pylist())
        reasons: dict[str, int] = {}
        for p in tables.get("packed", ()):
            for reason in storage.read_table(ctx.path(p.path), ["reason"])["reason"].to_pylist():
                if reason:
                    reasons[reason] = reasons.get(reason, 0) + 1
        kept = {"documents": 0, "paragraphs": 0, "images": 0}
        for p in tables.get("index", ()):
            t = storage.read_table(ctx.path(p.path), ["n_texts", "n_images"])
            kept["documents"] += t.num_rows
            kept["paragraphs"] += sum(t["n_texts"].to_pylist())
            kept["images"] += sum(t["n_images"].to_pylist())
        dead = sum(p.rows for p in tables.get("dead", ()))
        gone = facts.get("lost", {})
        paragraphs, images = gone.get("paragraphs", 0), gone.get("images", 0) - dead
        went = str(Reason.DOCUMENT_DROPPED)
        return {
            "documents": Count(entered["documents"], kept["documents"], reasons),
            "paragraphs": Count(entered["paragraphs"], kept["paragraphs"], {went: paragraphs} if paragraphs else {}),
            "images": Count(entered["images"], kept["images"], {went: images} if images else {}, dead),
        }


@dataclass(frozen=True)
class Rows:
    """Pass 1, a unit."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        ctx = self.ctx
        table = unit_rows(unit, ctx.inputs, _places(ctx.path(PLACES)), counts_of(ctx.groups), ctx.config.pack.measures)
        part = write_rows(ctx.root, layout.table_file("rows", unit), table)
        names = measure_names(ctx.inputs["extract"], unit) if ctx.config.pack.measures else []
        ctx.writer.commit_written("rows", unit, [("rows", part)] if part.rows else [], {"measures": names})


@dataclass(frozen=True)
class GatherRows:
    """Between them, of many units: if every shard opened every unit's file, twice the input would take four times as long."""

    ctx: StageContext

    def __call__(self, part: str) -> None:
        ctx, units, parts = self.ctx, self.ctx.groups["rows"], self.ctx.groups["gather"]
        at = parts.index(part)
        mine = units[at * len(units) // len(parts) : (at + 1) * len(units) // len(parts)]
        gather(_with_rows(ctx, mine), ctx.groups["shard"], ctx.path(GATHERED, f"{part}.arrow"))
        ctx.writer.commit("gather", part, {})


def _with_rows(ctx: StageContext, units: Iterable[str]) -> list[str]:
    """The files of those units that have documents to pack."""
    return [ctx.path(layout.table_file("rows", u)) for u in units if ctx.writer.read_receipt("rows", u)["tables"]]


@dataclass(frozen=True)
class Shard:
    """Pass 2, a shard."""

    ctx: StageContext

    def __call__(self, shard: str) -> None:
        ctx, settings = self.ctx, self.ctx.config.pack
        rows = sorted(self._rows(shard), key=lambda r: (r["doc_id"], r["unit"], r["row"]))
        split, number = parse_id(shard)
        folder = ctx.path(layout.SHARDS)
        with ShardWriter(folder, split, number, settings.tokenizer, settings.quality) as writer, Blobs(ctx.inputs["fetch"].root) as blobs:
            entry, lost, dead = fill(writer, rows, blobs, shard, recoder(settings))
        written: list[tuple[str, Part]] = []
        facts: dict[str, Any] = {}
        if entry is not None:
            tar = Part(f"{layout.SHARDS}/{entry.tar}", entry.documents, entry.bytes, entry.sha256)
            beside = [(n, replace(p, path=f"{layout.SHARDS}/{p.path}")) for n, p in (("index", entry.index), ("energon", entry.energon))]
            written += [("shards", tar), *beside]
            facts["entries"] = {shard: asdict(entry)}
        if lost:
            ids = {r["doc_id"] for r in lost}
            gone = [r for r in rows if r["doc_id"] in ids]
            facts["lost"] = {"paragraphs": sum(r["n_text"] for r in gone), "images": sum(r["n_images"] for r in gone)}
            for name, table in (
                ("lost", pa.Table.from_pylist(lost, schema("lost"))),
                ("dead", pa.Table.from_pylist([d._asdict() for d in dead], schema("dead"))),
            ):
                written.append((name, storage.write_table(ctx.root, layout.table_file(name, shard), table)))
        ctx.writer.commit_written("shard", shard, written, facts)

    def _rows(self, shard: str) -> Iterator[dict[str, Any]]:
        groups = self.ctx.groups
        if "gather" in groups:
            number = groups["shard"].index(shard)
            yield from (r for g in groups["gather"] for r in gathered_rows(self.ctx.path(GATHERED, f"{g}.arrow"), number))
        else:
            yield from (r for path in _with_rows(self.ctx, groups["rows"]) for r in shard_rows(path, shard))


@dataclass(frozen=True)
class Packed:
    """Pass 3, a unit: every row of select, with its shard or why it is in none."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        ctx = self.ctx
        lost = {r["row"]: r["reason"] for r in _lost(ctx.root, ctx.groups["shard"]) if r["unit"] == unit}
        selected = ctx.inputs["select"].read("selected", unit, ["row", "kept", "split"])
        splits = dict(zip(selected["row"].to_pylist(), selected["split"].to_pylist(), strict=True)) if selected is not None else {}
        out = []
        if ctx.writer.read_receipt("rows", unit)["tables"]:
            t = storage.read_table(ctx.path(layout.table_file("rows", unit)), ["doc_id", "row", "shard"])
            for r in t.to_pylist():
                reason = lost.get(r["row"], "")
                shard = "" if reason else r["shard"]
                out.append({**r, "unit": unit, "kept": not reason, "reason": reason, "split": splits[r["row"]], "shard": shard})
        out.sort(key=lambda r: r["row"])
        ctx.writer.commit("unit", unit, {"packed": pa.Table.from_pylist(out, schema("packed"))} if out else {})


def counts_of(groups: Groups) -> dict[str, int]:
    """Split -> number of shards, from the planned parts."""
    splits = [parse_id(s)[0] for s in groups["shard"]]
    return {s: splits.count(s) for s in (TRAIN, VAL)}


@lru_cache(maxsize=1)
def _places(path: str) -> Places:
    return Places(path)


@lru_cache(maxsize=1)
def _lost(root: str, shards: tuple[str, ...]) -> list[dict[str, Any]]:
    """What pass 2 could not write, over all shards: usually nothing."""
    out: list[dict[str, Any]] = []
    for s in shards:
        path = storage.join(root, layout.table_file("lost", s))
        if storage.exists(path):
            out += storage.read_table(path).to_pylist()
    return out
