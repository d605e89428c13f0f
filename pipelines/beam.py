"""How a stage's work reaches Beam: options for each engine, and the one transform most stages need.

The element is a unit of work (a part's name), never a page: see docs/architecture.md.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.settings.run import RunnerSettings

logging.getLogger("apache_beam").setLevel(logging.WARNING)

RUNNERS = {
    "local": "FnApiRunner",  # pinned: `DirectRunner` would try to download Prism first
    "prism": "PrismRunner",
    "spark": "SparkRunner",
    "flink": "FlinkRunner",
    "dataflow": "DataflowRunner",
    "portable": "PortableRunner",
}


def worker_count(runner: RunnerSettings) -> int:
    return runner.workers or os.cpu_count() or 1


def options(runner: RunnerSettings, *, shuffles: bool, parts: int) -> PipelineOptions:
    """Beam options for one pipeline of a stage. Local map-only work uses processes; work that shuffles stays in one, because
    shuffled data would otherwise pass through gRPC to the driver (measured 3x slower)."""
    flags: dict[str, Any] = {"runner": RUNNERS[runner.name], "save_main_session": False, **runner.options}
    workers = min(worker_count(runner), max(1, parts))
    if runner.name == "local" and workers > 1 and not shuffles:
        flags |= {"direct_running_mode": "multi_processing", "direct_num_workers": workers}
    elif runner.name == "local":
        flags |= {"direct_running_mode": "in_memory", "direct_num_workers": 1}
    return PipelineOptions.from_dictionary(flags)


@dataclass
class Spread(beam.PTransform):
    """Create the elements and give each its own bundle, so that engines with static bundles use all their workers."""

    elements: list[Any]

    def expand(self, pbegin: Any) -> Any:
        return pbegin | "Create" >> beam.Create(self.elements, reshuffle=False) | "Spread" >> beam.Reshuffle()


@dataclass
class EachPart(beam.PTransform):
    """Call `work(part)` once (or more often, after a failure) for each part."""

    work: Callable[[str], None]

    def expand(self, parts: Any) -> Any:
        return parts | "Work" >> beam.ParDo(_Each(self.work))


class _Each(beam.DoFn):
    def __init__(self, work: Callable[[str], None]):
        self.work = work

    def process(self, element: str) -> Iterable[str]:
        self.work(element)
        yield element


def run(runner: RunnerSettings, build: Callable[[beam.Pipeline], Any], *, shuffles: bool, parts: int) -> None:
    """Build and run one pipeline to its end."""
    with beam.Pipeline(options=options(runner, shuffles=shuffles, parts=parts)) as p:
        build(p)


def map_parts(runner: RunnerSettings, parts: list[str], work: Callable[[str], None]) -> None:
    """The map-only pipeline: `work` over each part; nothing to do, nothing started. `work` must be importable and picklable
    (a frozen dataclass with `__call__`)."""
    if parts:
        run(runner, lambda p: p | "Parts" >> Spread(parts) | "Each" >> EachPart(work), shuffles=False, parts=len(parts))
