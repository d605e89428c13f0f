"""A run: the seven stages in their order, each skipped if its folder is already there."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines import storage
from pipelines.failures import at_stage
from pipelines.nursery import THE_NURSERY
from pipelines.retry import carried
from pipelines.settings.config import Config, dump
from pipelines.stage import Done, Outcome, Stage, StageContext, StageError, execute, find
from schemas import layout


def stage(name: str) -> Stage:
    """The stage of that name; its module is imported only now."""
    module = importlib.import_module(f"pipelines.stages.{name}")
    return getattr(module, f"{name.capitalize()}Stage")()


@dataclass(frozen=True)
class Events:
    """What a caller may want to hear while a run goes on."""

    starting: Callable[[str, StageContext], None] = lambda name, ctx: None
    finished: Callable[[str, Outcome], None] = lambda name, outcome: None


def run_stages(run: str, config: Config, upto: str = layout.STAGES[-1], events: Events | None = None) -> dict[str, Outcome]:
    """Run the stages up to and including `upto`; finished ones are skipped. Writes `config.toml` first and, after each stage,
    which folders are current. StageError and OSError pass through; what was finished stays finished."""
    if upto not in layout.STAGES:
        raise StageError(f"no stage {upto!r}; the stages are {', '.join(layout.STAGES)}")
    events = events or Events()
    forks = config.runner.name == "local" and config.runner.processes > 1
    storage.write_bytes(storage.join(run, layout.CONFIG), dump(config).encode())
    config = carried(run, config)
    done: dict[str, Done] = {}
    outcomes: dict[str, Outcome] = {}
    ahead = layout.STAGES[: layout.STAGES.index(upto) + 1]
    for name in ahead:
        s = stage(name)
        inputs = {n: done[n] for n in s.reads}

        def starting(ctx: StageContext, name: str = name) -> None:
            if forks and name == layout.STAGES[0]:  # its inputs are there: what is missing is said before anything is imported
                THE_NURSERY.open()
            elif forks:  # the first one keeps every core busy; behind it some are free now and then
                THE_NURSERY.soon(tuple(m for n in ahead[ahead.index(name) :] for m in stage(n).imports(config)))
            events.starting(name, ctx)

        with at_stage(name):
            outcome = execute(s, run, config, inputs, starting)
        done[name], outcomes[name] = outcome.done, outcome
        _mark_current(run, done)
        events.finished(name, outcome)
    return outcomes


def finished_stages(run: str, config: Config) -> Iterator[tuple[str, Done | None]]:
    """Each stage with its finished folder for this configuration, or None from the first unfinished one on."""
    config = carried(run, config)
    done: dict[str, Done] = {}
    for name in layout.STAGES:
        s = stage(name)
        if all(n in done for n in s.reads):
            if (found := find(s, run, config, {n: done[n] for n in s.reads})) is not None:
                done[name] = found
        yield name, done.get(name)


def _mark_current(run: str, done: dict[str, Done]) -> None:
    current = {name: d.manifest.digest for name, d in done.items()}
    storage.write_bytes(storage.join(run, layout.STAGE_DIR, layout.CURRENT), (json.dumps(current, indent=1) + "\n").encode())


def publish_audit(run: str, report: Done) -> None:
    """Put the report stage's tables under RUN/audit/, where people and tools look for them. The folder is replaced as a whole
    on a local disk; on an object store files appear one by one and `audit/manifest.json` last."""
    target = storage.join(run, layout.AUDIT)
    names = [p for t in layout.AUDIT_TABLES for p in report.manifest.tables.get(t, ())]
    if storage.is_remote(run):
        storage.remove_tree(target)
        for p in names:
            storage.write_bytes(storage.join(target, p.path), storage.read_bytes(storage.join(report.root, p.path)))
        storage.write_bytes(
            storage.join(target, layout.STAGE_MANIFEST), storage.read_bytes(storage.join(report.root, layout.STAGE_MANIFEST))
        )
        return
    fresh = f"{target}.new"
    storage.remove_tree(fresh)
    for p in [*(p.path for p in names), layout.STAGE_MANIFEST]:
        destination = os.path.join(fresh, p)
        os.makedirs(os.path.dirname(destination), exist_ok=True)
        storage.link(os.path.join(report.root, p), destination)
    old = f"{target}.old"
    storage.remove_tree(old)
    if os.path.isdir(target):
        os.rename(target, old)
    os.rename(fresh, target)
    storage.remove_tree(old)
