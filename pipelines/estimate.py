"""What a run would cost, from two runs over samples of its input.

What starting costs is the same on any input. Guarded children say what theirs took (word lists, models); what is left is a straight
line through each stage's two measurements. Duplicates are the rarer the smaller the sample: what dedup keeps of it is taken to fall
with the size as a power law, as the distinct words of a text do (Heaps' law), and with it what the stages behind have to do.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from pipelines import storage
from pipelines.cpu import cores
from pipelines.run import run_stages
from pipelines.sample import Copied, Piece, copy, joined
from pipelines.settings.config import Config
from pipelines.stage import Outcome
from pipelines.web.inputs import WHOLE

BEHIND_DEDUP = {
    "dedup": "",
    "fetch": "images",
    "score": "images",
    "select": "documents",
    "pack": "documents",
    "report": "",
}  # what their cost goes with; "" = bytes
STEEPEST = -0.3  # of the power law: two small samples are not believed more than that
LEAST_ERROR = 0.15  # what no spread between pieces shows: a machine's moods
SHARED = ("extract", "fetch", "score", "report")  # stages whose work is spread over workers, each of which pays for its own start


@dataclass(frozen=True)
class StageCost:
    """One stage: CPU and wall seconds on this machine, bytes written, things kept by kind."""

    stage: str
    cpu_seconds: float
    wall_seconds: float
    bytes: int
    kept: dict[str, int]
    start_cpu_seconds: float = 0.0  # of cpu_seconds: guarded children until they were ready


@dataclass(frozen=True)
class Estimate:
    """All stages measured, scaled up. `error` is two relative standard errors of the pages in a byte between pieces, at least `LEAST_ERROR`."""

    stages: tuple[StageCost, ...]
    pages: int
    sampled_bytes: int
    sampled_pages: int
    error: float
    gpu_seconds: float  # of the stage that uses one; 0 without

    def only(self, stages: Collection[str]) -> Estimate:
        """Without the stages that are done already."""
        return replace(
            self, stages=tuple(s for s in self.stages if s.stage in stages), gpu_seconds=self.gpu_seconds if "score" in stages else 0.0
        )

    @property
    def cpu_seconds(self) -> float:
        return sum(s.cpu_seconds for s in self.stages)

    @property
    def wall_seconds(self) -> float:
        return sum(s.wall_seconds for s in self.stages)

    @property
    def bytes(self) -> int:
        return sum(s.bytes for s in self.stages)


@dataclass(frozen=True)
class Sampled:
    """One run over a sample: compressed bytes read, pages in them, what each stage cost and kept."""

    read: int
    pages: int
    stages: tuple[StageCost, ...]


def measure(pieces: Sequence[Piece], total: int, config: Config, folder: str, upto: str) -> Estimate | None:
    """Copy the pieces to `folder`, run the stages up to `upto` there on a quarter of them and on all of them, and scale to `total`
    compressed bytes and the workers that `config` has, on this machine. None if no piece holds a record. Stages that fetch do fetch."""
    copies = copy(pieces, storage.join(folder, "pieces"))
    if not copies:
        return None
    few = copies[:: min(4, len(copies))]
    small = first = None
    if len(few) < len(copies):
        # Imports, compiled code and guarded children (which live on) first, or the small run alone would pay for them.
        first = sampled(copies[:1], config, storage.join(folder, "warm"), upto)
        small = sampled(few, config, storage.join(folder, "few"), upto)
    large = sampled(copies, config, storage.join(folder, "all"), upto)
    error = max(LEAST_ERROR, spread([c.pages / c.bytes for c in copies]))
    return scaled(small, large, total, error, first=first, workers=config.runner.processes, cores=cores(), gpu=_on_gpu(config))


def sampled(copies: Sequence[Copied], config: Config, folder: str, upto: str) -> Sampled:
    """One worker and one unit of work: what more of them cost is start-up, which a small sample cannot measure twice."""
    archives = joined(copies, 1, storage.join(folder, "input"))
    source = config.input.model_copy(
        update={"paths": tuple(archives), "lists": (), "crawls": (), "pointers": (), "max_files": 0, "unit_bytes": WHOLE, "crawl": config.input.crawl or "sample"}
    )  # fmt: skip
    runner = config.runner.model_copy(update={"name": "local", "workers": 1, "options": {}})
    outcomes = run_stages(storage.join(folder, "run"), config.model_copy(update={"input": source, "runner": runner}), upto)
    pages = outcomes["extract"].done.manifest.counts["documents"].entered
    return Sampled(sum(c.bytes for c in copies), pages, tuple(_cost(n, o) for n, o in outcomes.items()))


def _cost(stage: str, outcome: Outcome) -> StageCost:
    manifest = outcome.done.manifest
    timing = json.loads(storage.read_bytes(storage.join(outcome.done.root, "timing.json")))
    written = sum(p.bytes for parts in manifest.tables.values() for p in parts)
    kept = {k: c.kept for k, c in manifest.counts.items()}
    return StageCost(stage, timing["cpu_seconds"] or timing["seconds"], timing["seconds"], written, kept, timing["start_cpu_seconds"])


def scaled(
    small: Sampled | None, large: Sampled, total: int, error: float = LEAST_ERROR, *,
    first: Sampled | None = None, workers: int = 1, cores: int = 1, gpu: bool = False,
) -> Estimate:  # fmt: skip
    """The estimate for `total` bytes. Costs follow the line through both samples (through zero if there is one sample, or if the
    line would start below it); what is kept and written is proportional to the larger one, less the duplicates it was too small to
    meet. `first` is a run before both, in which guarded children started that served them too. Of a stage that workers share, each
    pays the start, and as many as there are cores divide the rest."""
    times = total / large.read
    fewer = {kind: _fewer(small, large, kind, total) for kind in ("documents", "images")}
    fewer |= {"": 1.0, "paragraphs": fewer["documents"], "image_urls": fewer["images"]}
    stages = []
    for i, b in enumerate(large.stages):
        a = small and small.stages[i]
        start, slope = line(
            (small.read, a.cpu_seconds - a.start_cpu_seconds) if small and a else None, (large.read, b.cpu_seconds - b.start_cpu_seconds)
        )
        start += max(b.start_cpu_seconds, first.stages[i].start_cpu_seconds if first else 0.0)
        share = workers if b.stage in SHARED else 1
        waiting = b.wall_seconds / b.cpu_seconds if b.cpu_seconds else 1.0
        rest = slope * total * fewer[BEHIND_DEDUP.get(b.stage, "")]
        wall = waiting * (start * -(-share // cores) + rest / min(share, cores))
        kept = {k: round(n * times * (fewer.get(k, 1.0) if b.stage in BEHIND_DEDUP else 1.0)) for k, n in b.kept.items()}
        written = round(b.bytes * times * fewer[BEHIND_DEDUP.get(b.stage, "")])
        stages.append(StageCost(b.stage, start * share + rest, wall, written, kept, start * share))
    on_gpu = sum(s.wall_seconds for s in stages if gpu and s.stage == "score")
    return Estimate(tuple(stages), round(large.pages * times), large.read, large.pages, error, on_gpu)


def _fewer(small: Sampled | None, large: Sampled, kind: str, total: int) -> float:
    """What dedup keeps of a kind in `total` bytes, over what the larger sample's share would give."""
    shares = [_kept_by_dedup(s, kind) for s in (small, large) if s]
    if small is None or min(shares) <= 0 or small.read >= large.read:
        return 1.0
    power = math.log(shares[1] / shares[0]) / math.log(large.read / small.read)
    return (total / large.read) ** min(0.0, max(STEEPEST, power))


def _kept_by_dedup(s: Sampled, kind: str) -> float:
    """The share of what entered dedup; 0 where that is not known."""
    kept = {c.stage: c.kept.get(kind, 0) for c in s.stages}
    return kept.get("dedup", 0) / kept["extract"] if kept.get("extract") else 0.0


def line(a: tuple[int, float] | None, b: tuple[int, float]) -> tuple[float, float]:
    """(start, slope) of the line through two points; through zero and `b` where the line would start below zero."""
    if a is not None and a[0] < b[0]:
        slope = max(0.0, (b[1] - a[1]) / (b[0] - a[0]))
        if (start := b[1] - slope * b[0]) >= 0:
            return start, slope
    return 0.0, b[1] / b[0]


def spread(values: Sequence[float]) -> float:
    """Two relative standard errors of the mean."""
    mean = statistics.fmean(values)
    if len(values) < 2 or mean == 0:
        return 0.0
    return 2 * statistics.stdev(values) / math.sqrt(len(values)) / mean


def _on_gpu(config: Config) -> bool:
    device = config.score.clip.device
    if not config.score.clip.model or device == "cpu":
        return False
    if device != "auto":
        return True
    try:
        import torch
    except ImportError:
        return False
    return torch.cuda.is_available()
