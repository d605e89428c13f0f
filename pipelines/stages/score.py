"""score: pictures decoded, measured and encoded once (by bucket), then compared with the texts beside them (by unit).

Four pipelines: buckets (map), where each unit shows which images beside which texts (map), what became of each image to the units
that show it (shuffle of measures and vectors, never pixels or text), units (map). CLIP goes through Beam's RunInference. Limits of rules are no setting of this stage: `select` applies them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from pipelines import beam as engine
from pipelines import storage
from pipelines.cpu import cores
from pipelines.images import bucket_work, join, unit_work
from pipelines.images.places import placed, read, table
from pipelines.nursery import CLIP, THE_NURSERY
from pipelines.settings.config import Config
from pipelines.settings.score import ScoreSettings
from pipelines.spool import Spool, spool
from pipelines.stage import Groups, Stage, StageContext, StageError
from pipelines.survivors import survivors
from schemas.manifest import Count, Part
from schemas.reasons import Reason

beam = engine.beam  # Beam itself, its warnings silenced
VECTORS, FOUND, NEGATIVES, CONTEXT = "work/vectors", "work/found", "work/negatives.json", "work/context"
IMAGES_PER_PARTITION = 10_000  # rows that meet at once: some 25 MB, nearly all of it vectors
PLACES, OFFERED_TEXTS = "work/places", "work/texts"


class ScoreStage(Stage):
    name: ClassVar[str] = "score"
    reads: ClassVar[tuple[str, ...]] = ("extract", "dedup", "fetch")

    def settings(self, config: Config) -> dict[str, Any]:
        irrelevant = {"batch", "decoders", "accelerator", "hash_list_action"}
        own = config.score.model_dump(mode="json", exclude=irrelevant)
        return {**own, "measures": bucket_work.parameters(config)}

    def sources(self, config: Config) -> dict[str, str]:
        return {path: storage.sha256_of(path) for path in source_files(config.score)}

    def plan(self, ctx: StageContext) -> Groups:
        return {"bucket": ctx.inputs["fetch"].manifest.parts["bucket"], "unit": ctx.inputs["extract"].manifest.parts["unit"]}

    def run(self, ctx: StageContext) -> None:
        infer(ctx, ctx.inputs["fetch"].largest_first("urls", ctx.todo("bucket")), ScoreBucket(ctx))
        if ctx.todo("unit"):
            unplaced = [u for u in ctx.groups["unit"] if not storage.exists(ctx.path(f"{PLACES}/{u}.parquet"))]
            engine.map_parts(ctx.config.runner, unplaced, PlaceUnit(ctx), rows=ctx.inputs["extract"].manifest.rows("nodes"))
            with spool(ctx.config.runner, ctx.root) as files:
                engine.run(ctx.config.runner, lambda p: p | Join(ctx, files), shuffles=True, parts=len(ctx.groups["bucket"]))
            infer(ctx, ctx.inputs["extract"].largest_first("documents", ctx.todo("unit")), ScoreUnit(ctx))
        storage.remove_tree(ctx.path("work"))
        stop_the_line(ctx)

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        entered = 0
        for path in ctx.inputs["fetch"].paths("urls"):
            entered += storage.read_table(path, ["status"])["status"].to_pylist().count(bucket_work.SUCCESS)
        kept, dropped = 0, {}
        for reason, n in _tally(ctx, tables, "images", "first_reason"):
            if reason:
                dropped[reason] = dropped.get(reason, 0) + n
            else:
                kept += n
        return {"image_urls": Count(entered, kept, dropped, sum(p.rows for p in tables.get("dead", ())))}

    def imports(self, config: Config) -> tuple[str, ...]:
        return CLIP if config.score.clip.model else ()

    def so_far(self, facts: Mapping[str, Any], rows: Mapping[str, int]) -> str:
        return f"{rows.get('images', 0):,} pictures measured"


def source_files(s: ScoreSettings) -> list[str]:
    """Files whose content decides what is measured: hash lists, local weights and the model's own configuration."""
    import os

    found = list(s.hash_lists)
    if s.clip.model and os.path.isfile(s.clip.pretrained):
        found.append(s.clip.pretrained)
    if s.clip.model and s.clip.config_dir and os.path.isfile(path := os.path.join(s.clip.config_dir, f"{s.clip.model}.json")):
        found.append(path)
    return found


def infer(ctx: StageContext, parts: list[str], work: Callable[[str, Any], None]) -> None:
    """`work(part, clip)` over parts: through RunInference if there is a model, else plainly."""
    clip = ctx.config.score.clip
    if not parts:
        return
    if not clip.model:
        engine.map_parts(ctx.config.runner, parts, _Without(work))
        return
    from apache_beam.ml.inference.base import RunInference

    from pipelines.models.handlers import ClipHandler

    if ctx.config.runner.name == "local":
        THE_NURSERY.preload(CLIP)  # all that has not been imported in the background yet
    model = RunInference(ClipHandler(clip.model_copy(update={"threads": threads(ctx, parts)}), work))
    if ctx.config.runner.name == "dataflow" and ctx.config.score.accelerator:
        model = model.with_resource_hints(accelerator=ctx.config.score.accelerator)
    engine.over_parts(ctx.config.runner, parts, model)


def threads(ctx: StageContext, parts: list[str]) -> int:
    """torch threads of one worker."""
    workers = min(ctx.config.runner.processes, len(parts)) if ctx.config.runner.name == "local" else 1
    return ctx.config.score.clip.threads or max(1, cores() // workers)


@dataclass(frozen=True)
class _Without:
    work: Callable[[str, Any], None]

    def __call__(self, part: str) -> None:
        self.work(part, None)


@dataclass(frozen=True)
class ScoreBucket:
    ctx: StageContext

    def __call__(self, bucket: str, clip: Any | None) -> None:
        made = bucket_work.score_bucket(bucket, self.ctx.inputs["fetch"], self.ctx.config, clip)
        storage.write_table(self.ctx.root, f"{VECTORS}/{bucket}.parquet", made.vectors)
        if clip is not None:  # so that cutting texts to the model's context needs no model
            storage.write_bytes(self.ctx.path(CONTEXT), str(clip.context).encode())
        self.ctx.writer.commit("bucket", bucket, made.tables, made.facts)


@dataclass(frozen=True)
class PlaceUnit:
    """A unit's images and the texts beside them, and its part of the run's sample of texts."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        s, i = self.ctx.config.score, self.ctx.inputs
        path = self.ctx.path(CONTEXT)
        context = int(storage.read_bytes(path)) if storage.exists(path) else 0
        places = list(placed(survivors(i["extract"], i["dedup"], unit), s, context))
        chosen = unit_work.Negatives(s.negatives)
        for p in places if s.negatives else ():
            for t in p.texts:
                chosen.add(t.windows[0], p.doc_id)
        storage.write_bytes(self.ctx.path(f"{OFFERED_TEXTS}/{unit}.json"), json.dumps(chosen.rows()).encode())
        storage.write_table(self.ctx.root, f"{PLACES}/{unit}.parquet", table(places))


@dataclass(frozen=True)
class ScoreUnit:
    ctx: StageContext

    def __call__(self, unit: str, clip: Any | None) -> None:
        s = self.ctx.config.score
        places = list(read(storage.read_table(self.ctx.path(f"{PLACES}/{unit}.parquet"))))
        path = self.ctx.path(f"{FOUND}/{unit}.parquet")
        found = storage.read_table(path) if storage.exists(path) else None
        negatives = json.loads(storage.read_bytes(self.ctx.path(NEGATIVES)))
        made, facts = unit_work.score_unit(unit, places, found, columns(self.ctx.config), negatives, s, clip)
        self.ctx.writer.commit("unit", unit, made, facts)


def columns(config: Config) -> tuple[str, ...]:
    return join.measure_columns(bucket_work.image_rules(config).measures)


@dataclass
class Join(beam.PTransform):
    """Image rows to the units that show them; and the run's sample of texts."""

    ctx: StageContext
    files: Spool

    def expand(self, pbegin: Any) -> Any:
        asked = (
            pbegin
            | "Units" >> beam.Create(list(self.ctx.groups["unit"]), reshuffle=False)
            | "Asked" >> beam.ParDo(_Asked(self.ctx, self.files)).with_outputs("texts", main="ids")
        )
        offered = (
            pbegin
            | "Buckets" >> beam.Create(list(self.ctx.groups["bucket"]), reshuffle=False)
            | "Offered" >> beam.FlatMap(_Offered(self.ctx, self.files))
        )
        written = (
            {"asked": asked.ids, "offered": offered}
            | "ByImage" >> beam.CoGroupByKey()
            | "Deal" >> beam.FlatMap(_Deal(self.files))
            | "ByUnit" >> beam.GroupByKey()
            | "Found" >> beam.Map(_WriteFound(self.ctx, self.files))
        )
        chosen = asked.texts | "Sample" >> beam.CombineGlobally(_Sample(self.ctx.config.score.negatives))
        return written, chosen | "Negatives" >> beam.Map(_WriteNegatives(self.ctx))


def partitions(ctx: StageContext) -> int:
    """Into how many parts images are dealt to meet those who ask for them. As many as there are buckets would be quadratic: each part has rows for
    nearly every unit."""
    return 1 + ctx.inputs["fetch"].manifest.rows("urls") // IMAGES_PER_PARTITION


class _Asked(beam.DoFn):
    def __init__(self, ctx: StageContext, files: Spool):
        self.ctx, self.files = ctx, files

    def process(self, element: str) -> Iterator[Any]:
        ids = storage.read_table(self.ctx.path(f"{PLACES}/{element}.parquet"), ["image_id"])
        wanted = pa.table({"image_id": pc.unique(ids["image_id"]).sort()})
        for partition, data in self.files.put(f"asked-{element}", join.split(wanted, partitions(self.ctx))):
            yield partition, (element, data)
        texts = json.loads(storage.read_bytes(self.ctx.path(f"{OFFERED_TEXTS}/{element}.json")))
        yield beam.pvalue.TaggedOutput("texts", [tuple(t) for t in texts])


@dataclass(frozen=True)
class _Offered:
    ctx: StageContext
    files: Spool

    def __call__(self, bucket: str) -> Iterable[tuple[int, bytes]]:
        images = storage.read_table(self.ctx.path(f"images/{bucket}.parquet"))
        vectors = storage.read_table(self.ctx.path(f"{VECTORS}/{bucket}.parquet"))
        rows = join.offered(self.ctx.inputs["fetch"], bucket, images, vectors, columns(self.ctx.config))
        return self.files.put(f"offered-{bucket}", join.split(rows, partitions(self.ctx)))


@dataclass(frozen=True)
class _Deal:
    files: Spool

    def __call__(self, element: tuple[int, dict[str, Any]]) -> Iterable[tuple[str, bytes]]:
        partition, both = element
        asked = ((unit, ids) for unit, pointer in both["asked"] for ids in self.files.get([pointer]))
        return self.files.put(f"deal-{partition}", join.deal(asked, self.files.get(both["offered"])))


@dataclass(frozen=True)
class _WriteFound:
    ctx: StageContext
    files: Spool

    def __call__(self, element: tuple[str, Iterable[bytes]]) -> str:
        storage.write_table(self.ctx.root, f"{FOUND}/{element[0]}.parquet", join.gather(self.files.get(element[1])))
        return element[0]


@dataclass(frozen=True)
class _WriteNegatives:
    ctx: StageContext

    def __call__(self, rows: list[tuple[float, str, str]]) -> None:
        storage.write_bytes(self.ctx.path(NEGATIVES), unit_work.dump_negatives(rows))


class _Sample(beam.CombineFn):
    """The texts of smallest hash over all units."""

    def __init__(self, most: int):
        self.most = most

    def create_accumulator(self) -> list[tuple[float, str, str]]:
        return []

    def add_input(self, mutable_accumulator: list[Any], element: list[Any]) -> list[Any]:
        return self.merge_accumulators([mutable_accumulator, element])

    def merge_accumulators(self, accumulators: Iterable[list[Any]]) -> list[Any]:
        chosen = unit_work.Negatives(self.most)
        for rows in accumulators:
            chosen.merge(rows)
        return chosen.rows()

    def extract_output(self, accumulator: list[Any]) -> list[Any]:
        return accumulator


def stop_the_line(ctx: StageContext) -> None:
    """End the run if a hash list names a picture of it: only ids are told, the pictures go no further."""
    if not ctx.config.score.hash_lists or ctx.config.score.hash_list_action != "stop":
        return
    ids: list[str] = []
    for bucket in ctx.groups["bucket"]:
        t = storage.read_table(ctx.path(f"images/{bucket}.parquet"), ["image_id", "first_reason"])
        ids += [i for i, r in zip(*(t[c].to_pylist() for c in t.column_names), strict=True) if r == Reason.IMAGE_LISTED]
    if ids:
        shown = ", ".join(sorted(ids)[:10])
        raise StageError(
            f"ALERT: {len(ids)} images of this run are on a hash list (image ids {shown}{', ...' if len(ids) > 10 else ''}). They were set aside; "
            'do not open them. Follow the procedure in docs/images.md, then set score.hash_list_action = "drop" to go on without them'
        )


def _tally(ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], name: str, column: str) -> Iterator[tuple[str, int]]:
    for part in tables.get(name, ()):
        counted = storage.read_table(ctx.path(part.path), [column]).group_by([column]).aggregate([([], "count_all")])
        yield from zip(counted[column].to_pylist(), counted["count_all"].to_pylist(), strict=True)
