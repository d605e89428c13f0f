"""One stage = one folder, named by what went into it, with its manifest written last.

The folder's digest covers the inputs' digests, the part of the configuration that the stage depends on, and the code
it runs. A folder with a manifest is done and never touched again; one without is partial, and its finished parts (those
with a small file under `parts/`) are kept when the stage runs again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pipelines import storage
from pipelines.code import code_digest
from pipelines.cpu import Starts, tree_cpu
from pipelines.settings.config import Config
from schemas import layout
from schemas.manifest import Count, Part, StageManifest, digest_of, dumps, loads_stage

if TYPE_CHECKING:
    import pyarrow as pa

Groups = dict[str, tuple[str, ...]]  # group ("unit", "bucket", "shard") -> part names, in order


class StageError(RuntimeError):
    """A stage did not do what it must; the message says what and what to do next."""


class ConservationError(StageError):
    """Something vanished, or appeared from nowhere."""


@dataclass(frozen=True)
class Done:
    """A finished stage as later stages see it: only what its manifest names exists."""

    root: str
    manifest: StageManifest

    def path(self, table: str, part: str) -> str | None:
        """The file of a table for one part; None if that part has no rows in it."""
        relative = layout.table_file(table, part)
        return storage.join(self.root, relative) if relative in self._index else None

    def read(self, table: str, part: str, columns: list[str] | None = None) -> pa.Table | None:
        path = self.path(table, part)
        return None if path is None else storage.read_table(path, columns)

    def largest_first(self, table: str, parts: Iterable[str]) -> list[str]:
        """The parts by their rows in a table: with the small ones last, no worker is left alone with a large one."""
        rows = {p.path: p.rows for p in self.manifest.tables.get(table, ())}
        return sorted(parts, key=lambda part: -rows.get(layout.table_file(table, part), 0))

    def paths(self, table: str) -> list[str]:
        return [storage.join(self.root, p.path) for p in self.manifest.tables.get(table, ())]

    @property
    def _index(self) -> frozenset[str]:
        if "index" not in self.__dict__:
            object.__setattr__(self, "index", frozenset(p.path for parts in self.manifest.tables.values() for p in parts))
        return self.__dict__["index"]

    def __getstate__(self) -> dict[str, Any]:
        return {"root": self.root, "manifest": self.manifest}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for k, v in state.items():
            object.__setattr__(self, k, v)


@dataclass(frozen=True)
class PartWriter:
    """Writes the tables of one part and, last, the file that says they are all there. Safe to run twice or in parallel:
    the same work writes the same bytes under the same names."""

    root: str

    def commit(self, group: str, part: str, tables: Mapping[str, pa.Table], facts: Mapping[str, Any] | None = None) -> None:
        """Small tables in one go; facts are numbers to add up over the parts (a dict of ints or floats, or of such dicts)."""
        written = [(name, storage.write_table(self.root, layout.table_file(name, part), t)) for name, t in tables.items()]
        self.commit_written(group, part, written, facts)

    def commit_written(self, group: str, part: str, written: Iterable[tuple[str, Part]], facts: Mapping[str, Any] | None = None) -> None:
        """The same for files already written with `storage.parquet_writer` (large tables are streamed)."""
        record = {"tables": [[name, asdict(p)] for name, p in written], "facts": dict(facts or {})}
        storage.write_bytes(self.receipt(group, part), (json.dumps(record, sort_keys=True) + "\n").encode())

    def receipt(self, group: str, part: str) -> str:
        return storage.join(self.root, "parts", group, f"{part}.json")

    def done(self, group: str, part: str) -> bool:
        return storage.exists(self.receipt(group, part))

    def read_receipt(self, group: str, part: str) -> dict[str, Any]:
        return json.loads(storage.read_bytes(self.receipt(group, part)))


@dataclass(frozen=True)
class StageContext:
    """All a stage may know: where to write, what to read, how it is configured. Picklable, so workers get it whole."""

    run: str  # the run folder
    root: str  # this stage's folder
    config: Config
    inputs: dict[str, Done]
    groups: Groups = field(default_factory=dict)
    entered: dict[str, Any] = field(default_factory=dict)

    @property
    def writer(self) -> PartWriter:
        return PartWriter(self.root)

    def todo(self, group: str) -> list[str]:
        """The parts of a group that are not finished yet."""
        finished = {n.removesuffix(".json") for n in storage.listing(storage.join(self.root, "parts", group)) if n.endswith(".json")}
        return [p for p in self.groups[group] if p not in finished]

    def path(self, *parts: str) -> str:
        return storage.join(self.root, *parts)


class Stage:
    """Base of the stages. A subclass says what it reads, which settings matter, which parts there will be, and runs them."""

    name: ClassVar[str]
    reads: ClassVar[tuple[str, ...]] = ()

    def settings(self, config: Config) -> dict[str, Any]:
        """The part of the configuration that changes this stage's output (JSON-able)."""
        return json.loads(getattr(config, self.name).model_dump_json())

    def sources(self, config: Config) -> dict[str, str]:
        """Inputs that are not stages: name -> identity (path -> size, list file -> sha256)."""
        return {}

    def plan(self, ctx: StageContext) -> Groups:
        """The parts this stage will write, known before it starts; group `unit` is usually taken over from extract."""
        raise StageError(f"stage {self.name} has no plan()")

    def run(self, ctx: StageContext) -> None:
        """Write every part in `ctx.groups` not yet finished (`ctx.todo(group)`)."""
        raise StageError(f"stage {self.name} has no run()")

    def counts(self, ctx: StageContext, tables: Mapping[str, tuple[Part, ...]], facts: Mapping[str, Any]) -> dict[str, Count]:
        """The conservation law from the written tables and the inputs' tables; checked by the frame."""
        raise StageError(f"stage {self.name} has no counts()")

    def facts(self, ctx: StageContext, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What else belongs into the manifest (deterministic things only); `facts` are the parts' facts added up."""
        return dict(facts)

    def imports(self, config: Config) -> tuple[str, ...]:
        """Modules that only this stage's workers need, where importing them takes seconds."""
        return ()

    def so_far(self, facts: Mapping[str, Any], rows: Mapping[str, int]) -> str:
        """What the finished parts amount to, in words for a progress line; "" where nothing can be said cheaply."""
        return ""


@dataclass(frozen=True)
class Outcome:
    done: Done
    skipped: bool
    seconds: float


def digest(stage: Stage, config: Config, inputs: Mapping[str, Done]) -> str:
    """The name of the stage's folder."""
    return digest_of(
        {
            "stage": stage.name,
            "inputs": {n: d.manifest.digest for n, d in sorted(inputs.items())},
            "sources": stage.sources(config),
            "config": stage.settings(config),
            "code": code_digest(type(stage).__module__),
        }
    )


def find(stage: Stage, run: str, config: Config, inputs: Mapping[str, Done]) -> Done | None:
    """The finished folder for exactly this work, if there is one."""
    root = storage.join(run, layout.stage_dir(stage.name, digest(stage, config, inputs)))
    path = storage.join(root, layout.STAGE_MANIFEST)
    return Done(root, loads_stage(storage.read_bytes(path), path)) if storage.exists(path) else None


def execute(
    stage: Stage, run: str, config: Config, inputs: Mapping[str, Done], started: Callable[[StageContext], None] = lambda _: None
) -> Outcome:
    """Run a stage, or find that it is done. StageError if a part is missing afterwards, ConservationError if the books do not
    balance; in both cases no manifest is written, so nothing downstream can build on it."""
    begin, cpu, starts = time.monotonic(), tree_cpu(), Starts.seconds
    if (done := find(stage, run, config, inputs)) is not None:
        return Outcome(done, True, 0.0)
    name = digest(stage, config, inputs)
    root = storage.join(run, layout.stage_dir(stage.name, name))
    bare = StageContext(run, root, config, dict(inputs))
    ctx = StageContext(run, root, config, dict(inputs), stage.plan(bare))
    started(ctx)
    stage.run(ctx)
    tables, facts = _gather(ctx)
    counts = stage.counts(ctx, tables, facts)
    check(stage.name, counts, root)
    manifest = StageManifest(
        stage=stage.name,
        digest=name,
        inputs={**{n: d.manifest.digest for n, d in inputs.items()}, **stage.sources(config)},
        config=stage.settings(config),
        code=code_digest(type(stage).__module__),
        parts={g: tuple(p) for g, p in ctx.groups.items()},
        tables=tables,
        counts=counts,
        facts=stage.facts(ctx, facts),
    )
    seconds = time.monotonic() - begin
    timing = {
        "seconds": round(seconds, 3),
        "cpu_seconds": None if cpu is None else round((tree_cpu() or cpu) - cpu, 3),
        "start_cpu_seconds": round(Starts.seconds - starts, 3),
        "finished": time.time(),
    }
    storage.write_bytes(storage.join(root, "timing.json"), (json.dumps(timing) + "\n").encode())
    storage.write_bytes(storage.join(root, layout.STAGE_MANIFEST), dumps(manifest))
    return Outcome(Done(root, manifest), False, seconds)


def check(stage: str, counts: Mapping[str, Count], root: str) -> None:
    """in = kept + dropped + dead, for each kind of thing."""
    for kind, c in counts.items():
        if missing := c.missing():
            verb = "vanished" if missing > 0 else "appeared from nowhere"
            raise ConservationError(
                f"stage {stage}: {abs(missing)} {kind} {verb}: {c.entered} entered, {c.kept} kept, {sum(c.dropped.values())} dropped, "
                f"{c.dead} dead (tables in {root}). This is a defect of weft: keep the folder and report it"
            )


def _gather(ctx: StageContext) -> tuple[dict[str, tuple[Part, ...]], dict[str, Any]]:
    tables: dict[str, list[Part]] = {}
    facts: dict[str, Any] = {}
    for group, parts in ctx.groups.items():
        for part in parts:
            if not ctx.writer.done(group, part):
                raise StageError(f"stage part {group}/{part} was not written (folder {ctx.root}): run the same command again to resume")
            receipt = ctx.writer.read_receipt(group, part)
            for table, record in receipt["tables"]:
                tables.setdefault(table, []).append(Part(**record))
            add_facts(facts, receipt["facts"])
    return {t: tuple(sorted(p)) for t, p in sorted(tables.items())}, facts


def add_facts(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add a part's facts to `total`: numbers are summed, lists united, words must be equal (StageError)."""
    for key, value in more.items():
        if isinstance(value, Mapping):
            add_facts(total.setdefault(key, {}), cast("Mapping[str, Any]", value))
        elif isinstance(value, list):
            total[key] = sorted({*total.get(key, []), *cast("list[Any]", value)})
        elif isinstance(value, str):
            if total.setdefault(key, value) != value:
                raise StageError(f"parts disagree about {key!r}: {total[key]!r} and {value!r}; workers run different code or models")
        else:
            total[key] = total.get(key, 0) + value
