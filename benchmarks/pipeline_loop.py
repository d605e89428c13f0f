"""The stages' own functions called in a loop: no engine, no worker process, shuffles in dictionaries.

What a run costs without Beam. `plain_loop()` swaps the few places where a stage hands its work to Beam; all that reads, decides and
writes stays, so the same bytes come out.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from pipelines import beam, storage
from pipelines.images import unit_work
from pipelines.stage import StageContext
from pipelines.stages import dedup, score

STAGES = ("dedup", "fetch", "pack", "report", "select")  # each binds `map_parts` by name


@contextmanager
def plain_loop() -> Iterator[None]:
    """Within the block, runs go without Beam's runners."""
    modules = [importlib.import_module(f"pipelines.stages.{s}") for s in STAGES]
    swaps = [patch.object(m, "map_parts", each) for m in (beam, *modules)]
    swaps += [patch.object(dedup.Shuffles, "__call__", shuffle), patch.object(score, "infer", infer), patch.object(beam, "run", join)]
    for s in swaps:
        s.start()
    try:
        yield
    finally:
        for s in reversed(swaps):
            s.stop()


def each(runner: Any, parts: list[str], work: Callable[[str], None], *, rows: int | None = None) -> None:
    for part in parts:
        work(part)


def shuffle(self: dedup.Shuffles, step: Any, sources: tuple[str, ...] | None = None) -> None:
    """One pass of dedup: send, group, settle, group, receive."""
    buckets: dict[str, list[bytes]] = defaultdict(list)
    units: dict[str, list[bytes]] = defaultdict(list)
    for source in self.work.units if sources is None else sources:
        for key, data in step.send(source):
            buckets[key].append(data)
    for key, parts in buckets.items():
        for unit, data in step.settle(key, parts):
            units[unit].append(data)
    for unit, parts in units.items():
        step.receive(unit, parts)


def infer(ctx: StageContext, parts: list[str], work: Callable[[str, Any], None]) -> None:
    """The model loaded once a pass, as a worker does."""
    clip = None
    if parts and ctx.config.score.clip.model:
        from pipelines.models.clip import load

        clip = load(ctx.config.score.clip.model_copy(update={"threads": score.threads(ctx, parts)}))
    for part in parts:
        work(part, clip)


def join(runner: Any, build: Callable[[Any], Any], *, shuffles: bool, parts: int) -> None:
    """The one pipeline that a stage builds by hand: score's measures to the units that show the images."""
    taken: list[score.Join] = []
    build(_Taker(taken))
    ctx, files = taken[0].ctx, taken[0].files
    pairs: dict[int, dict[str, list[Any]]] = defaultdict(lambda: {"asked": [], "offered": []})
    chosen = unit_work.Negatives(ctx.config.score.negatives)
    for unit in ctx.groups["unit"]:
        for out in score._Asked(ctx, files).process(unit):
            if isinstance(out, beam.beam.pvalue.TaggedOutput):
                chosen.merge(out.value)
            else:
                pairs[out[0]]["asked"].append(out[1])
    for bucket in ctx.groups["bucket"]:
        for partition, data in score._Offered(ctx, files)(bucket):
            pairs[partition]["offered"].append(data)
    found: dict[str, list[bytes]] = defaultdict(list)
    for pair in pairs.items():
        for unit, data in score._Deal(files)(pair):
            found[unit].append(data)
    for unit, rows in found.items():
        score._WriteFound(ctx, files)((unit, rows))
    storage.write_bytes(ctx.path(score.NEGATIVES), unit_work.dump_negatives(chosen.rows()))


class _Taker:
    """Stands where a pipeline would, to see what is applied to it."""

    def __init__(self, taken: list[Any]):
        self.taken = taken

    def __or__(self, transform: Any) -> None:
        self.taken.append(transform)
