"""select: what stays, decided from stored measures; no picture is opened and no model loaded, so it runs again in seconds.

Units are judged alone (map); then copies of pictures and the kept share are settled over the run in one process, over compact
columns; then every document gets its verdict (map).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from filters.base import At, RuleSet, Unit
from filters.registry import rule_set
from pipelines import storage, tombstones
from pipelines.beam import map_parts
from pipelines.dedup.decontaminate import EvaluationSets
from pipelines.dedup.decontaminate import load as load_sets
from pipelines.images import alike, choose, documents, overall
from pipelines.images.fraction import Cut
from pipelines.settings.config import Config
from pipelines.stage import Groups, Stage, StageContext, StageError
from pipelines.survivors import survivors
from schemas.manifest import Count, Part
from schemas.reasons import Reason

JUDGED, COPIES, CUTS = "work/judged", "work/copies", "work/cuts.json"


class SelectStage(Stage):
    name: ClassVar[str] = "select"
    reads: ClassVar[tuple[str, ...]] = ("extract", "dedup", "fetch", "score")

    def settings(self, config: Config) -> dict[str, Any]:
        used = {n: v for n, v in config.filters.items() if _decides(n)}
        return {**super().settings(config), "filters": used, "rules": list(used), "seed": config.run.seed}

    def sources(self, config: Config) -> dict[str, str]:
        return {path: storage.sha256_of(path) for path in source_files(config)}

    def plan(self, ctx: StageContext) -> Groups:
        return {"unit": ctx.inputs["extract"].manifest.parts["unit"]}

    def run(self, ctx: StageContext) -> None:
        todo = ctx.todo("unit")
        if todo:
            every, nodes = list(ctx.groups["unit"]), ctx.inputs["extract"].manifest.rows("nodes")
            left = [u for u in every if not storage.exists(ctx.path(f"{JUDGED}/{u}.parquet"))]
            map_parts(ctx.config.runner, left, JudgeUnit(ctx), rows=nodes)
            if not storage.exists(ctx.path(CUTS)):
                settle(ctx, every)
            map_parts(ctx.config.runner, todo, SelectUnit(ctx), rows=nodes)
        storage.remove_tree(ctx.path("work"))

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        before = ctx.inputs["dedup"].manifest.counts
        found: dict[str, dict[str, int]] = {"documents": {}, "text": {}, "image": {}}
        for part in tables.get("selected", ()):
            _tally(found["documents"], storage.read_table(ctx.path(part.path), ["reason"])["reason"].to_pylist())
        for part in tables.get("node_decisions", ()):
            t = storage.read_table(ctx.path(part.path), ["kind", "reason"])
            for kind in ("text", "image"):
                _tally(found[kind], [r for k, r in zip(t["kind"].to_pylist(), t["reason"].to_pylist(), strict=True) if k == kind])
        ends = facts.get("ends", {})  # marks between parts of a document are no paragraphs
        _take(found["text"], "", ends.get("kept", 0))
        _take(found["text"], str(Reason.DOCUMENT_DROPPED), ends.get("dropped", 0))
        names = {"documents": "documents", "paragraphs": "text", "images": "image"}
        return {n: Count(before[n].kept, found[k].pop("", 0), found[k]) for n, k in names.items()}

    def facts(self, ctx: StageContext, facts: Mapping[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in facts.items() if k != "ends"}


def source_files(config: Config) -> list[str]:
    """Files whose content decides what stays."""
    reference = [config.select.cluster_reference] if config.select.cluster_reference else []
    return [*config.select.evaluation_sets, *config.run.takedowns, *reference]


def _decides(name: str) -> bool:
    from filters.registry import rules

    rule = rules().get(name)
    return rule is not None and (rule.unit, rule.at) in {(Unit.IMAGE, At.SCORE), (Unit.PAIR, At.SELECT), (Unit.DOCUMENT, At.SELECT)}


def _tally(into: dict[str, int], reasons: list[str]) -> None:
    for reason in reasons:
        into[reason] = into.get(reason, 0) + 1


def _take(counts: dict[str, int], reason: str, n: int) -> None:
    if n:
        counts[reason] = counts.get(reason, 0) - n
        if not counts[reason]:
            del counts[reason]


def rule_sets(config: Config) -> tuple[RuleSet, RuleSet, RuleSet]:
    """Rules on images, pairs and finished documents."""
    f = config.filters
    return rule_set(f, Unit.IMAGE, At.SCORE), rule_set(f, Unit.PAIR, At.SELECT), rule_set(f, Unit.DOCUMENT, At.SELECT)


@lru_cache(maxsize=2)
def _sets(paths: tuple[str, ...]) -> EvaluationSets:
    return load_sets(paths)


def settle(ctx: StageContext, units: list[str]) -> None:
    """What holds over the run: surplus copies (a file a unit) and the cuts; the cuts' file is written last."""
    s = ctx.config.select
    columns = [
        "row",
        "index",
        "doc_id",
        "image_id",
        "language",
        "sha256",
        "pdq",
        "quality",
        "similarity",
        "shadow",
        "base",
        "image_reasons",
    ]
    run = overall.Run(s)
    for unit in units:
        run.add(unit, storage.read_table(ctx.path(f"{JUDGED}/{unit}.parquet"), columns))
    gone = dict(run.copies())
    vectors = vectors_of(ctx) if s.semantic_distance is not None or s.cluster_reference else {}
    found = [run.semantic(vectors)] if s.semantic_distance is not None else []
    cuts = run.cuts()
    found += [run.unlike(vectors, alike.load_reference(s.cluster_reference))] if s.cluster_reference else []
    for tables in found:
        for unit, table in tables.items():
            gone[unit] = pa.concat_tables([gone[unit], table]) if unit in gone else table
    for unit, table in gone.items():
        storage.write_table(ctx.root, f"{COPIES}/{unit}.parquet", table)
    storage.write_bytes(ctx.path(CUTS), json.dumps({k: asdict(c) for k, c in cuts.items()}, sort_keys=True).encode())


def vectors_of(ctx: StageContext) -> dict[str, Any]:
    """Image id -> vector, of the score stage's embeddings. StageError if it kept none."""
    paths = ctx.inputs["score"].paths("embeddings")
    if not paths:
        raise StageError(
            "select.semantic_distance and cluster_reference compare image vectors, and this run kept none: set score.embeddings = true"
        )
    out: dict[str, Any] = {}
    for path in paths:
        t = storage.read_table(path)
        out |= zip(t["image_id"].to_pylist(), (np.asarray(v, np.float32) for v in t["vector"].to_pylist()), strict=True)
    return out


@dataclass(frozen=True)
class JudgeUnit:
    """What the measures of a unit's images say."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        placements = self.ctx.inputs["score"].read("placements", unit)
        images, pairs, _ = rule_sets(self.ctx.config)
        assert placements is not None, f"score has no placements of unit {unit}"
        named = [""] * placements.num_rows
        if self.ctx.config.select.evaluation_sets:
            sets = _sets(self.ctx.config.select.evaluation_sets)
            named = sets.of_images(placements["sha256"].to_pylist(), placements["pdq"].to_pylist())
        judged = choose.judge(placements, images, pairs, named)
        if stones := tombstones.load(self.ctx.config.run.takedowns):
            judged = choose.taken_down(judged, stones.contents_of(placements["sha256"].to_pylist(), placements["pdq"].to_pylist()))
        storage.write_table(self.ctx.root, f"{JUDGED}/{unit}.parquet", judged)


@dataclass(frozen=True)
class SelectUnit:
    """The verdict on every document of a unit, and on every node of it."""

    ctx: StageContext

    def __call__(self, unit: str) -> None:
        ctx, s, i = self.ctx, self.ctx.config.select, self.ctx.inputs
        judged = storage.read_table(ctx.path(f"{JUDGED}/{unit}.parquet"))
        path = ctx.path(f"{COPIES}/{unit}.parquet")
        copies = storage.read_table(path).to_pylist() if storage.exists(path) else []
        cuts = {k: Cut(**v) for k, v in json.loads(storage.read_bytes(ctx.path(CUTS))).items()}
        by_row: dict[int, dict[int, choose.Fate]] = {}
        choice = choose.Choice(s.combine, cuts, s.copies_in_document)
        for (row, index), fate in choose.fates(judged, {(c["row"], c["index"]): (c["reason"], c["of"]) for c in copies}, choice).items():
            by_row.setdefault(row, {})[index] = fate
        texts: dict[int, dict[int, dict[int, float]]] = {}
        if s.assignment and (pairs := i["score"].read("pairs", unit, ["row", "index", "texts"])) is not None:
            for (row, index), own in choose.texts_of(pairs.to_pylist()).items():
                texts.setdefault(row, {})[index] = own
        rules = rule_sets(ctx.config)[2]
        contaminated = self._contaminated(unit)
        out = documents.Selection(unit)
        for row, d in survivors(i["extract"], i["dedup"], unit):
            documents.select_document(
                out, row, d, by_row.get(row, {}), texts.get(row, {}), contaminated.get(row, ""), rules, s, ctx.config.run.seed
            )
        facts: dict[str, Any] = {"ends": out.ends}
        if cuts:
            facts["cuts"] = {k or "all": json.dumps([c.similarity, c.tie]) for k, c in cuts.items()}
        ctx.writer.commit("unit", unit, out.tables(rules.measures), facts)

    def _contaminated(self, unit: str) -> dict[int, str]:
        paths = self.ctx.config.select.evaluation_sets
        if not paths or not len((sets := _sets(paths)).grams):
            return {}
        from pipelines.dedup.shingles import Texts

        i = self.ctx.inputs
        rows, texts = [], []
        for row, d in survivors(i["extract"], i["dedup"], unit):
            rows.append(row)
            texts.append("\n".join(n.text for n in d.nodes if n.text and not n.reason))
        return dict(zip(rows, sets.of_texts(Texts.of(texts)), strict=True)) if rows else {}
