"""dedup: passes over small keys, connected by Beam; text is read once, per file. Order and method: docs/dedup.md.

features   per unit: keys, signatures, shingle file                          (map only, in processes)
Captures   one record twice, one URL twice, known to an earlier run          (shuffle by URL)
SameText   exactly the same text                                             (shuffle by text)
NearEarlier, Candidates   LSH, then Jaccard per unit                         (shuffle by band)
components, Representatives   clusters and who stays                         (shuffle by cluster)
Repeats, SameImages   paragraphs, image URLs, sets of images                 (shuffle by node key, by set)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import apache_beam as beam

from pipelines import storage
from pipelines.beam import Spread, map_parts, run
from pipelines.dedup import components, features, index, jaccard, near, repeats, rounds
from pipelines.dedup.earlier import NearEarlier
from pipelines.dedup.elections import Captures, SameImages, SameText
from pipelines.dedup.finish import unit_tables
from pipelines.dedup.work import Pass, Work
from pipelines.settings.config import Config
from pipelines.spool import Spool, spool
from pipelines.stage import Groups, PartWriter, Stage, StageContext, StageError
from schemas.manifest import Count, Part
from schemas.reasons import Reason
from schemas.tables import schema

DOCUMENTS_PER_BUCKET = 100_000
NODES_PER_PART = 200_000  # paragraphs and images that are settled at once: some 40 MB
MAX_ROUNDS = 64  # a path of 2^64 documents


class DedupStage(Stage):
    name: ClassVar[str] = "dedup"
    reads: ClassVar[tuple[str, ...]] = ("extract",)

    def sources(self, config: Config) -> dict[str, str]:
        return {"dedup index": index.identity(config.dedup.index, config.dedup, config.run.name)} if config.dedup.index else {}

    def plan(self, ctx: StageContext) -> Groups:
        extract = ctx.inputs["extract"].manifest
        wanted = ctx.config.dedup.buckets or max(1, -(-extract.rows("documents") // DOCUMENTS_PER_BUCKET))
        buckets = 1 << min(16, (wanted - 1).bit_length())  # a power of two, as the index's partitions are
        return {"unit": extract.parts["unit"], "bucket": tuple(f"{i:05d}" for i in range(buckets))}

    def run(self, ctx: StageContext) -> None:
        work = Work(ctx.root, ctx.inputs["extract"], ctx.config.dedup, ctx.groups["unit"], ctx.groups["bucket"], ctx.config.run.name)
        if not ctx.todo("unit") and not ctx.todo("bucket"):
            work.clear()  # an attempt may have ended in the middle of this
            return
        shuffle, nodes = Shuffles(ctx, work), ctx.inputs["extract"].manifest.rows("nodes")
        map_parts(ctx.config.runner, [u for u in work.units if not storage.exists(work.path("ready", u))], Prepare(work))
        shuffle(Captures(work))
        if work.settings.text or "text" in work.settings.index_match:
            shuffle(SameText(work))
        if work.settings.index and "near" in work.settings.index_match:
            shuffle(NearEarlier(work))
        if work.settings.near:
            shuffle(near.Candidates(work))
            label_components(ctx, work, shuffle)
            shuffle(near.Representatives(work, ctx.writer))
        for bucket in ctx.todo("bucket"):  # those without a cluster
            ctx.writer.commit("bucket", bucket, {t: schema(t).empty_table() for t in ("clusters", "edges")})
        shuffle(repeats.Repeats(work, 1 + nodes // NODES_PER_PART))
        map_parts(ctx.config.runner, list(work.units), SettleNodes(work), rows=nodes)
        if work.settings.image_set:
            shuffle(SameImages(work))
        map_parts(ctx.config.runner, ctx.todo("unit"), Finish(work, ctx.writer), rows=nodes)
        work.clear()

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        documents, nodes = {"": 0}, {"text": {}, "image": {}}
        for part in tables.get("decisions", ()):
            _tally(documents, storage.read_table(ctx.path(part.path), ["reason"])["reason"].to_pylist())
        for part in tables.get("node_decisions", ()):
            table = storage.read_table(ctx.path(part.path), ["kind", "reason"])
            for kind in nodes:
                _tally(nodes[kind], [r for k, r in zip(table["kind"].to_pylist(), table["reason"].to_pylist(), strict=True) if k == kind])
        out = {"documents": Count(ctx.inputs["extract"].manifest.rows("documents"), documents.pop(""), documents)}
        for kind, name in (("text", "paragraphs"), ("image", "images")):
            fact = facts.get("nodes", {}).get(name, {})
            gone = fact.get(str(Reason.DOCUMENT_DROPPED), 0)
            dropped = nodes[kind] | ({str(Reason.DOCUMENT_DROPPED): gone} if gone else {})
            out[name] = Count(fact.get("entered", 0), fact.get("kept", 0), dropped)
        return out

    def facts(self, ctx: StageContext, facts: Mapping[str, Any]) -> dict[str, Any]:
        s = ctx.config.dedup
        return {"minhash": {"scheme": "affine32", "seed": s.seed, "hashes": s.bands * s.rows, "shingle_words": s.shingle_words}}


def _tally(into: dict[str, int], reasons: Iterable[str]) -> None:
    for reason in reasons:
        into[reason] = into.get(reason, 0) + 1


def label_components(ctx: StageContext, work: Work, shuffle: Shuffles) -> None:
    """Label every document that has an edge; locally, or in rounds until the convergence counter is 0."""
    s = work.settings
    a, b = near.all_edges(work) if s.components != "beam" else (None, None)
    if a is not None and (s.components == "local" or len(a) <= s.components_local_edges):
        near.label_units(work, *components.local(a, b))
        return
    for i in range(MAX_ROUNDS):
        shuffle(rounds.LargeStar(work, i), work.units if i == 0 else work.buckets)
        if not rounds.not_converged(work, i):
            shuffle(rounds.Labels(work, i), work.buckets)
            return
        shuffle(rounds.SmallStar(work, i), work.buckets)
    raise StageError(
        f"connected components did not converge in {MAX_ROUNDS} rounds (folder {work.root}): a defect of weft, please report it"
    )


@dataclass(frozen=True)
class Prepare:
    """The only step that reads text."""

    work: Work

    def __call__(self, unit: str) -> None:
        work = self.work
        path = work.extract.path("documents", unit)
        f = features.nothing(work.settings)
        if path is not None:  # None: a unit without documents
            with storage.atomic(work.shingles(unit)) as file:
                writer = jaccard.Writer(file)
                f = features.of_file(path, work.settings, writer.add)
                writer.finish()
        work.write("documents", unit, f.documents)
        work.write("nodes", unit, f.nodes)
        work.write("ready", unit, schema("edges").empty_table())


@dataclass(frozen=True)
class SettleNodes:
    work: Work

    def __call__(self, unit: str) -> None:
        repeats.settle_nodes(self.work, unit)


@dataclass(frozen=True)
class Finish:
    work: Work
    writer: PartWriter

    def __call__(self, unit: str) -> None:
        tables, facts = unit_tables(self.work, unit)
        self.writer.commit("unit", unit, tables, facts)


@dataclass(frozen=True)
class Shuffles:
    """Runs a pass as one pipeline: send, group, settle, group, receive."""

    ctx: StageContext
    work: Work

    def __call__(self, step: Pass, sources: tuple[str, ...] | None = None) -> None:
        parts = list(self.work.units if sources is None else sources)
        if not parts:
            return

        runner, label = self.ctx.config.runner, type(step).__name__
        with spool(runner, self.work.root) as files:
            run(runner, lambda p: p | Spread(parts) | label >> Connect(step, files), shuffles=True, parts=len(parts))


@dataclass
class Connect(beam.PTransform):
    """Keys and bytes only: values are Arrow rows, packed per destination."""

    step: Pass
    files: Spool

    def expand(self, sources: Any) -> Any:
        return (
            sources
            | "Send" >> beam.FlatMap(self.send).with_output_types(tuple[str, bytes])
            | "ByBucket" >> beam.GroupByKey()
            | "Settle" >> beam.FlatMapTuple(self.settle).with_output_types(tuple[str, bytes])
            | "ByUnit" >> beam.GroupByKey()
            | "Receive" >> beam.MapTuple(self.receive)
        )

    def send(self, source: str) -> Iterable[tuple[str, bytes]]:
        return self.files.put(f"send-{source}", self.step.send(source))

    def settle(self, name: str, parts: Iterable[bytes]) -> Iterable[tuple[str, bytes]]:
        return self.files.put(f"settle-{name}", self.step.settle(name, list(self.files.get(parts))))

    def receive(self, unit: str, parts: Iterable[bytes]) -> None:
        self.step.receive(unit, list(self.files.get(parts)))
