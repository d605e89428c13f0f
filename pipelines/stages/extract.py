"""Stage `extract`: archives in; documents, measures, nodes, opt-out signals and dead letters out, one file a unit."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from filters.base import At
from filters.registry import rules
from pipelines import beam, storage, tombstones
from pipelines.guard import Guard, GuardLimits
from pipelines.settings.config import Config
from pipelines.stage import Groups, Stage, StageContext
from pipelines.web import inputs
from pipelines.web.prepare import prepare
from pipelines.web.unit_work import read_unit
from schemas.manifest import Count, Part

UNITS = "units.jsonl"
TARGET = "pipelines.web.capture:make"


class ExtractStage(Stage):
    name = "extract"
    reads = ()

    def settings(self, config: Config) -> dict[str, Any]:
        chosen = config.model_dump(mode="json", include={"input", "extract"})
        used = {n: v for n, v in config.filters.items() if n not in rules() or rules()[n].at == At.EXTRACT}
        return {**chosen, "filters": used, "rules": list(used)}  # judging order matters, and canonical JSON forgets it

    def sources(self, config: Config) -> dict[str, str]:
        tombstones.load(config.run.takedowns)  # says what is wrong with them before anything is read
        return inputs.identity(config.input) | {path: storage.sha256_of(path) for path in config.run.takedowns}

    def plan(self, ctx: StageContext) -> Groups:
        units = inputs.units(ctx.config.input)
        storage.write_bytes(ctx.path(UNITS), inputs.dump_units(units))
        return {"unit": tuple(u.name for u in units)}

    def run(self, ctx: StageContext) -> None:
        beam.map_parts(ctx.config.runner, ctx.todo("unit"), ExtractUnit(ctx))

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        return count(ctx.root, tables, facts)

    def so_far(self, facts: Mapping[str, Any], rows: Mapping[str, int]) -> str:
        return f"{rows.get('documents', 0):,} of {facts.get('records', 0):,} pages kept"


@dataclass(frozen=True)
class ExtractUnit:
    """The work of one part: read its records, judge them in the guarded child, write its tables."""

    ctx: StageContext

    def __call__(self, part: str) -> None:
        unit = _units(self.ctx.path(UNITS))[part]
        written, facts = read_unit(unit, self.ctx.root, self.ctx.config, guard(self.ctx.config))
        self.ctx.writer.commit_written("unit", part, written, facts)


@lru_cache(maxsize=2)
def _units(path: str) -> dict[str, inputs.Unit]:
    return inputs.load_units(storage.read_bytes(path))


_guards = threading.local()


def guard(config: Config) -> Guard:
    """This thread's guarded child for a configuration; it lives as long as the worker and ends with it."""
    from pipelines.web.capture import setup

    s = config.extract
    key = (setup(config), s.memory_bytes, s.page_seconds)
    if getattr(_guards, "key", None) != key:
        if (old := getattr(_guards, "guard", None)) is not None:
            old.close()
        prepare()
        limits = GuardLimits(memory_bytes=s.memory_bytes, seconds_per_item=s.page_seconds)
        _guards.key, _guards.guard = key, Guard(TARGET, limits, setup=key[0])
    return _guards.guard


def count(root: str, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
    """Records read against the rows written about them, and nodes found against theirs."""
    documents, paragraphs, images = Count(), Count(), Count()
    kept_rows = sum(p.rows for p in tables.get("documents", ()))
    for t in _read(root, tables, "document_measures", ["kept", "first_reason"]):
        for reason, n in _by(t, ["first_reason"]):
            documents += Count(dropped={reason: n}) if reason else Count()
    for t in _read(root, tables, "dead", ["id"]):
        documents += Count(dead=sum(n for key, n in _by(t, ["id"]) if key))
    for t in _read(root, tables, "nodes", ["kind", "role", "first_reason", "document_kept"]):
        for kind, role, reason, document_kept, n in _by(t, ["kind", "role", "first_reason", "document_kept"]):
            if role == "end":
                continue
            reason = reason or ("" if document_kept else "node.document_dropped")
            one = Count(n, 0, {reason: n}) if reason else Count(n, n)
            if kind == "text":
                paragraphs += one
            else:
                images += one
    return {
        "documents": Count(int(facts.get("records", 0)), kept_rows, documents.dropped, documents.dead),
        "paragraphs": Count(int(facts.get("paragraphs", 0)), paragraphs.kept, paragraphs.dropped),
        "images": Count(int(facts.get("images", 0)), images.kept, images.dropped),
    }


def _read(root: str, tables: Mapping[str, tuple[Part, ...]], name: str, columns: list[str]) -> Iterator[Any]:
    for part in tables.get(name, ()):
        yield storage.read_table(storage.join(root, part.path), columns)


def _by(table: Any, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    counted = table.group_by(columns).aggregate([([], "count_all")])
    yield from zip(*(counted.column(c).to_pylist() for c in [*columns, "count_all"]), strict=True)
