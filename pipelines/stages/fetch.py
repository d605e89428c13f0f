"""fetch: the images of the surviving documents, each URL asked for once, original bytes kept."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.beam import map_parts
from pipelines.settings.config import Config
from pipelines.settings.fetch import OUTPUT_NEUTRAL
from pipelines.stage import Groups, Stage, StageContext, StageError
from pipelines.survivors import survivors
from pipelines.web.fetch import held, moved
from pipelines.web.fetch.dial import origin_of, refusal
from pipelines.web.fetch.engine import Start
from pipelines.web.fetch.hot import FILES, Board, Files, Lanes, Place, lanes_of
from pipelines.web.fetch.hot import TABLE as LANES
from pipelines.web.fetch.journal import Journal
from pipelines.web.fetch.publish import publish
from pipelines.web.urls import host_of
from schemas import layout, tables
from schemas.ids import bucket_of
from schemas.manifest import Count, Part
from schemas.reasons import Reason
from schemas.rows import IMAGE

FEW_UNITS = 64  # so many small files each bucket reads itself
GATHERED_ROWS = 1_000_000  # of wanted images in a file that buckets read instead
GATHERED = "gathered_"
WANTED = pa.schema([("bucket", pa.int32()), ("image_id", pa.string()), ("url", pa.string())])


class FetchStage(Stage):
    name: ClassVar[str] = "fetch"
    reads: ClassVar[tuple[str, ...]] = ("extract", "dedup")

    def settings(self, config: Config) -> dict[str, Any]:
        return {k: v for k, v in super().settings(config).items() if k not in OUTPUT_NEUTRAL}

    def plan(self, ctx: StageContext) -> Groups:
        extract = ctx.inputs["extract"].manifest
        images = extract.counts["images"].kept
        buckets = min(4096, max(1, -(-images // ctx.config.fetch.urls_per_bucket)))
        if buckets == 1 and images > 64:
            buckets = 4  # work for a few workers, on a small run too
        units = extract.parts["unit"]
        gathered = min(len(units), max(FEW_UNITS, -(-images // GATHERED_ROWS))) if len(units) > FEW_UNITS else 0
        return {
            "unit": units,
            **({"gather": tuple(f"{g:05d}" for g in range(gathered))} if gathered else {}),
            "bucket": (*(f"{b:04d}" for b in range(buckets)), *moved.parts_of(buckets)),
        }

    def run(self, ctx: StageContext) -> None:
        settings = ctx.config.fetch
        if not settings.contact and not settings.test_resolve:
            raise StageError(
                "fetch.contact is empty: site owners must be able to reach you. Set it to a URL or an e-mail address, e.g. "
                '--set fetch.contact="https://example.org/crawler"'
            )
        map_parts(ctx.config.runner, ctx.todo("unit"), WantUnit(ctx), rows=ctx.inputs["extract"].manifest.rows("nodes"))
        if "gather" in ctx.groups:
            map_parts(ctx.config.runner, ctx.todo("gather"), GatherUnits(ctx), rows=ctx.inputs["extract"].manifest.rows("nodes"))
        if todo := ctx.todo("bucket"):
            lanes = split_hosts(ctx)
            if lanes.hosts and not storage.exists(ctx.path(FILES)):
                map_parts(ctx.config.runner, ["hot hosts"], LearnHot(ctx, lanes))
            map_parts(ctx.config.runner, [b for b in todo if not moved.is_one(b)], FetchBucket(ctx, lanes))
            map_parts(ctx.config.runner, [b for b in todo if moved.is_one(b)], FetchMoved(ctx, lanes))

    def facts(self, ctx: StageContext, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {**facts, "lanes": dict(split_hosts(ctx).hosts)}

    def counts(self, ctx: StageContext, written: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        statuses: Mapping[str, int] = facts.get("statuses", {})
        dropped: dict[str, int] = {}
        for status, n in statuses.items():
            if status != "success":
                reserved = status.startswith(("opt-out", "robots.txt disallows"))
                reason = (Reason.IMAGE_OPT_OUT if reserved else Reason.IMAGE_NOT_FETCHED).value
                dropped[reason] = dropped.get(reason, 0) + n
        return {"image_urls": Count(facts.get("wanted", 0), statuses.get("success", 0), dropped)}

    def so_far(self, facts: Mapping[str, Any], rows: Mapping[str, int]) -> str:
        return f"{facts.get('statuses', {}).get('success', 0):,} of {rows.get('urls', 0):,} pictures fetched"


@dataclass(frozen=True)
class WantUnit:
    """The image URLs that one unit's survivors need, sorted by bucket (all URLs of a host are in one bucket)."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        buckets = bucket_count(self.ctx)
        wanted: dict[str, tuple[int, str]] = {}
        for _, document in survivors(self.ctx.inputs["extract"], self.ctx.inputs["dedup"], unit):
            for n in document.nodes:
                if n.kind == IMAGE and not n.reason:
                    wanted[n.image_id] = (bucket_of(host_of(n.url), buckets), n.url)
        rows = sorted((b, i, u) for i, (b, u) in wanted.items())
        table = pa.table({f.name: pa.array([r[k] for r in rows], f.type) for k, f in enumerate(WANTED)}, WANTED)
        hosts = Counter(host_of(u) for _, u in wanted.values())
        listed = sorted(hosts.items())
        counted = pa.table({"host": pa.array([h for h, _ in listed], pa.string()), "urls": pa.array([n for _, n in listed], pa.int64())})
        self.ctx.writer.commit("unit", unit, {"wanted": table, "hosts": counted, "archived": self._archived(unit, buckets)})

    def _archived(self, unit: str, buckets: int) -> pa.Table:
        """Images that lie in this unit's archives, by the bucket that may want them."""
        found = self.ctx.inputs["extract"].read("archived", unit)
        if found is None:
            found = tables.schema("archived").empty_table()
        of = [bucket_of(host_of(u), buckets) for u in found["url"].to_pylist()]
        return found.append_column("bucket", pa.array(of, pa.int32())).sort_by([("bucket", "ascending"), ("image_id", "ascending")])


@dataclass(frozen=True)
class GatherUnits:
    """What a stretch of units wants, in files sorted by bucket: if every bucket opened every unit's files, twice the input would take
    four times as long."""

    ctx: StageContext

    def __call__(self, part: str) -> None:
        units, parts = self.ctx.groups["unit"], self.ctx.groups["gather"]
        at = parts.index(part)
        mine = units[at * len(units) // len(parts) : (at + 1) * len(units) // len(parts)]
        together = {name: pa.concat_tables([_written(self.ctx, name, u) for u in mine]) for name in ("wanted", "archived", "hosts")}
        order = [("bucket", "ascending"), ("image_id", "ascending")]
        tables = {name: together[name].sort_by(order) for name in ("wanted", "archived")}
        self.ctx.writer.commit("gather", part, {GATHERED + name: t for name, t in {**tables, "hosts": _sum_of(together["hosts"])}.items()})


def _written(ctx: StageContext, table: str, part: str) -> pa.Table:
    return storage.read_table(ctx.path(layout.table_file(table, part)))


def _sum_of(hosts: pa.Table) -> pa.Table:
    """Each host once, with all its URLs counted."""
    return hosts.group_by("host").aggregate([("urls", "sum")]).rename_columns(["host", "urls"]).sort_by("host")


def sources(ctx: StageContext, table: str) -> list[str]:
    """The files that hold a table of all units: the units' own, or those gathered from them."""
    if "gather" in ctx.groups:
        return [ctx.path(layout.table_file(GATHERED + table, part)) for part in ctx.groups["gather"]]
    return [ctx.path(layout.table_file(table, unit)) for unit in ctx.groups["unit"]]


def bucket_count(ctx: StageContext) -> int:
    """Buckets that hosts are hashed to; the parts of what leads out of them come after these."""
    return sum(not moved.is_one(b) for b in ctx.groups["bucket"])


def listed(ctx: StageContext, table: str, buckets: list[int]) -> Iterator[pa.Table]:
    """A table's rows of these buckets, file by file."""
    for path in sources(ctx, table):
        with storage.open_read(path) as f:
            yield pq.read_table(f, filters=[("bucket", "in", buckets)])


def split_hosts(ctx: StageContext) -> Lanes:
    """Which hosts are split into lanes: counted once and kept in the stage folder, so that a rerun finds the same lanes."""
    settings, buckets = ctx.config.fetch, bucket_count(ctx)
    where = ctx.path(LANES)
    if not storage.exists(where):
        counts = pa.table({"host": pa.array([], pa.string()), "urls": pa.array([], pa.int64())})
        for path in sources(ctx, "hosts"):
            counts = _sum_of(pa.concat_tables([counts, storage.read_table(path)]))
        many = counts.filter(pc.field("urls") > settings.hot_host_urls).to_pylist()
        lanes = lanes_of({r["host"]: r["urls"] for r in many}, buckets, settings.per_host_connections, settings.hot_host_urls)
        storage.write_bytes(where, (json.dumps(lanes.hosts, indent=1, sort_keys=True) + "\n").encode())
    hosts: dict[str, int] = json.loads(storage.read_bytes(where))
    if max(hosts.values(), default=1) > settings.per_host_connections:
        raise StageError(
            f"fetch.per_host_connections = {settings.per_host_connections}, but this fetch began with {max(hosts.values())}, and its hot hosts "
            f"are split into so many lanes ({where}): set it to that again, or delete the folder {ctx.root} to begin anew"
        )
    return Lanes(buckets, hosts)


@dataclass(frozen=True)
class LearnHot:
    """robots.txt and tdmrep.json of the hot hosts, before their lanes start."""

    ctx: StageContext
    lanes: Lanes

    def __call__(self, _: str) -> None:
        from pipelines.web.fetch.worker import own_files, run_loop

        homes = sorted({bucket_of(h, self.lanes.buckets) for h in self.lanes.hosts})
        urls = (u for t in listed(self.ctx, "wanted", homes) for u in t["url"].to_pylist())
        origins = {origin_of(u) for u in urls if host_of(u) in self.lanes.hosts}
        settings = self.ctx.config.fetch
        fine = sorted(o for o in origins if not refusal(o, settings.ports))
        files: list[Files] = []

        async def learn() -> None:
            files.append(await own_files(fine, settings))

        run_loop(learn())
        storage.write_bytes(self.ctx.path(FILES), files[0].dumps())


@dataclass(frozen=True)
class FetchBucket:
    """Everything of one bucket: fetched once, recorded, written as one blob file and one table."""

    ctx: StageContext
    lanes: Lanes

    def __call__(self, bucket: str) -> None:
        wanted = self._wanted(int(bucket))
        journal = Journal(scratch(self.ctx, bucket))
        for row, body in self._held(bucket, {i: u for i, u in wanted.items() if i not in journal}):
            journal.add(row, body)
        finish(self.ctx, bucket, journal, [Start(i, u) for i, u in sorted(wanted.items())], self._place(int(bucket)))

    def _place(self, bucket: int) -> Place:
        if not self.lanes.hosts:
            return Place(self.lanes, bucket, Files())
        return Place(self.lanes, bucket, Files.loads(storage.read_bytes(self.ctx.path(FILES))), Board(self.ctx.root))

    def _held(self, bucket: str, wanted: dict[str, str]) -> Iterator[tuple[dict[str, Any], bytes]]:
        """What need not be asked for: it lies in an earlier fetch of this run, in the archives, or in a folder of img2dataset."""
        s = self.ctx.config.fetch
        places = (
            held.from_earlier(self.ctx.run, s.earlier, bucket, wanted, self.ctx.groups["bucket"], self.lanes.hosts) if s.earlier else (),
            held.from_archives(self._archived(int(bucket), wanted), s),
            held.from_img2dataset(s.img2dataset, wanted, s) if s.img2dataset else (),
        )
        for place in places:
            for row, body in place:
                if wanted.pop(row["image_id"], None) is not None:
                    yield row, body

    def _archived(self, bucket: int, wanted: dict[str, str]) -> list[dict[str, Any]]:
        return [r for t in self._mine("archived", bucket) for r in t.to_pylist() if wanted.get(r["image_id"]) == r["url"]]

    def _wanted(self, bucket: int) -> dict[str, str]:
        out: dict[str, str] = {}
        for t in self._mine("wanted", bucket):
            out.update(zip(t["image_id"].to_pylist(), t["url"].to_pylist(), strict=True))
        if self.lanes.hosts:
            out = {i: u for i, u in out.items() if self.lanes.bucket(host_of(u), u) == bucket}
        return out

    def _mine(self, table: str, bucket: int) -> Iterator[pa.Table]:
        """Rows listed under this bucket, and under those from which it has a lane of a hot host."""
        return listed(self.ctx, table, sorted({bucket, *self.lanes.homes(bucket).values()}))


@dataclass(frozen=True)
class FetchMoved:
    """What led out of its bucket, when all buckets are done and nobody else asks those hosts."""

    ctx: StageContext
    lanes: Lanes

    def __call__(self, part: str) -> None:
        every = [b for b in self.ctx.groups["bucket"] if moved.is_one(b)]
        place = Place(self.lanes, every.index(part), Files(), None, len(every), self.ctx.config.runner.processes)
        wanted: list[Start] = []
        for bucket in self.ctx.groups["bucket"]:
            if not moved.is_one(bucket):
                table = storage.read_table(self.ctx.path(layout.table_file(moved.TABLE, bucket)))
                wanted += moved.starts(table, place.part, place.moved)
        journal, s = Journal(scratch(self.ctx, part)), self.ctx.config.fetch
        if s.earlier:
            left = {w.image_id: w.url for w in wanted if w.image_id not in journal}
            for row, body in held.from_earlier(self.ctx.run, s.earlier, part, left, self.ctx.groups["bucket"], self.lanes.hosts):
                journal.add(row, body)
        finish(self.ctx, part, journal, sorted(wanted), place)


def finish(ctx: StageContext, part: str, journal: Journal, wanted: list[Start], place: Place) -> None:
    """Fetch what the journal does not have yet, and publish."""
    if left := [w for w in wanted if w.image_id not in journal]:
        from pipelines.web.fetch.worker import fetch, run_loop

        run_loop(fetch(left, ctx.config.fetch, journal, place))
    publish(ctx, part, journal, len(wanted))
    journal.close()
    journal.remove()


def scratch(ctx: StageContext, bucket: str) -> str:
    """The journal lies in the stage folder, or, where that is an object store, on the worker's own disk."""
    if not storage.is_remote(ctx.root):
        return os.path.join(ctx.root, "journal", bucket)
    import tempfile

    from schemas.ids import digest128

    return os.path.join(tempfile.gettempdir(), "weft-fetch", digest128(ctx.root), bucket)
