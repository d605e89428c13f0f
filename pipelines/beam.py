"""How a stage's work reaches Beam: options for each engine, and the one transform most stages need.

The element is a unit of work (a part's name), never a page: see docs/architecture.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

_before = logging.root.manager.disable
logging.disable(max(_before, logging.WARNING))  # without the [gcp] extra, importing Beam warns about Google's packages
import apache_beam as beam  # noqa: E402
import grpc  # noqa: E402
from apache_beam.options.pipeline_options import PipelineOptions  # noqa: E402
from apache_beam.transforms.environments import python_sdk_capabilities  # noqa: E402

logging.disable(_before)

from pipelines.failures import WorkFailed, describe, read_back  # noqa: E402
from pipelines.settings.run import RunnerSettings  # noqa: E402

logging.getLogger("apache_beam").setLevel(logging.WARNING)
logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)  # announces every job server it starts
logging.getLogger("PrismRunner").setLevel(logging.ERROR)
logging.getLogger().addFilter(lambda record: not str(record.msg).startswith("Waiting for grpc channel"))
logging.getLogger("apache_beam.runners.portability.local_job_service").setLevel(logging.ERROR)  # repeats what workers log

LIGHT = 8  # light parts per worker process below which starting processes costs more than it saves
STREAM_READERS = ("read_grpc_client_inputs", "beam_control_read")  # Beam's threads that read from a worker until its stream breaks


def _silence(before: Callable[[Any], Any]) -> Callable[[Any], None]:
    """A worker that ends, as all do after a pass, may break the stream that the driver reads from. That is no event: what became of the
    pass is known by its parts, and of a worker that was killed by `run`."""

    def hook(args: Any) -> None:
        reader = args.thread is not None and args.thread.name.startswith(STREAM_READERS)
        if not reader or not issubclass(args.exc_type, grpc.RpcError) or os.environ.get("WEFT_DEBUG"):
            before(args)

    return hook


threading.excepthook = _silence(threading.excepthook)


def worker_count(runner: RunnerSettings) -> int:
    return runner.workers or os.cpu_count() or 1


def pipeline(runner: RunnerSettings, *, shuffles: bool, parts: int) -> beam.Pipeline:
    """A pipeline on the configured engine. Local means Beam's FnApiRunner by name (`DirectRunner` would first try to download
    Prism). Local map-only work uses processes; work that shuffles stays in one, because shuffled data would otherwise pass
    through gRPC to the driver (measured 3x slower)."""
    flags: dict[str, Any] = {"save_main_session": False, **runner.options}
    if runner.name != "local":
        from pipelines.clusters import flags_of, runner_of

        return beam.Pipeline(runner_of(runner), PipelineOptions.from_dictionary(flags | flags_of(runner)))
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

    workers = 1 if shuffles else min(worker_count(runner), max(1, parts))
    if workers == 1:
        return beam.Pipeline(FnApiRunner(), PipelineOptions.from_dictionary({"direct_num_workers": 1, **flags}))
    logging.getLogger("apache_beam.runners.portability.fn_api_runner.fn_runner").setLevel(logging.ERROR)  # warns of the line below
    from pipelines.worker import ForkedEnvironment

    processes = ForkedEnvironment(python_sdk_capabilities())
    return beam.Pipeline(FnApiRunner(processes), PipelineOptions.from_dictionary({"direct_num_workers": workers, **flags}))


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
        try:
            self.work(element)
        except Exception as e:
            raise describe(e, element, self.work) from e
        yield element


def run(runner: RunnerSettings, build: Callable[[beam.Pipeline], Any], *, shuffles: bool, parts: int) -> None:
    """Build and run one pipeline to its end. WorkFailed, in one sentence, if it fails, whatever the engine wraps around it; an
    OSError of a worker (no space left) and a MemoryError come back as such."""
    p = pipeline(runner, shuffles=shuffles, parts=parts)
    build(p)
    before = logging.root.manager.disable
    if not os.environ.get("WEFT_DEBUG"):
        logging.disable(logging.ERROR)  # engines log every failure several times, tracebacks and all; the exception says it once
    try:
        state = p.run().wait_until_finish()
    except Exception as e:
        raise read_back(e, runner.name) from e
    finally:
        logging.disable(before)
    if state not in (None, "DONE"):
        raise WorkFailed(f"the {runner.name} engine ended the pipeline as {state}; run the same command again to resume")


def map_parts(runner: RunnerSettings, parts: list[str], work: Callable[[str], None], *, light: bool = False) -> None:
    """The map-only pipeline: `work` over each part; nothing to do, nothing started. `work` must be importable and picklable
    (a frozen dataclass with `__call__`). On one machine, `light` work (columns of a few tables) gets worker processes only
    when there are many parts."""
    if not parts:
        return
    if light and runner.name == "local" and len(parts) <= LIGHT * worker_count(runner):
        runner = runner.model_copy(update={"workers": 1})
    run(runner, lambda p: p | "Parts" >> Spread(parts) | "Each" >> EachPart(work), shuffles=False, parts=len(parts))


def known_options() -> frozenset[str]:
    """The names of all options that Beam's registered option classes define."""
    parser = argparse.ArgumentParser(allow_abbrev=False, conflict_handler="resolve")
    for cls in PipelineOptions.__subclasses__():
        cls._add_argparse_args(parser)
    return frozenset(s.removeprefix("--") for a in parser._actions for s in a.option_strings if s.startswith("--"))
