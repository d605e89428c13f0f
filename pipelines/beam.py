"""How a stage's work reaches Beam: options for each engine, and the one transform most stages need.

The element is a unit of work (a part's name), never a page: see docs/architecture.md.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
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

from pipelines.claims import Claimed  # noqa: E402
from pipelines.failures import WorkFailed, describe, read_back  # noqa: E402
from pipelines.memory import give_back  # noqa: E402
from pipelines.settings.run import RunnerSettings  # noqa: E402

logging.getLogger("apache_beam").setLevel(logging.WARNING)
logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)  # announces every job server it starts
logging.getLogger("PrismRunner").setLevel(logging.ERROR)
logging.getLogger().addFilter(lambda record: not str(record.msg).startswith("Waiting for grpc channel"))
logging.getLogger("apache_beam.runners.portability.local_job_service").setLevel(logging.ERROR)  # repeats what workers log

LIGHT = 50_000  # table rows below which a light pass costs less (10 us a row) than to start processes for it (0.3 s)
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


def pipeline(runner: RunnerSettings, *, shuffles: bool, parts: int) -> beam.Pipeline:
    """A pipeline on the configured engine. Local means Beam's FnApiRunner by name (`DirectRunner` would first try to download
    Prism). Local map-only work uses processes; work that shuffles stays in one, because shuffled data would otherwise pass
    through gRPC to the driver (measured 3x slower)."""
    flags: dict[str, Any] = {"save_main_session": False, **runner.options}
    if runner.name != "local":
        from pipelines.clusters import flags_of, runner_of

        return beam.Pipeline(runner_of(runner), PipelineOptions.from_dictionary(flags | flags_of(runner)))
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

    workers = 1 if shuffles else min(runner.processes, max(1, parts))
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
        finally:
            give_back()
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


def map_parts(runner: RunnerSettings, parts: list[str], work: Callable[[str], None], *, rows: int | None = None) -> None:
    """The map-only pipeline: `work` over each part; nothing to do, nothing started. `work` must be importable and picklable
    (a frozen dataclass with `__call__`). `rows`: how many rows of tables it looks at in all, where that is all it does; on one
    machine it then gets worker processes only if they are many."""
    if not parts:
        return
    if rows is not None and rows < LIGHT and runner.name == "local":
        runner = runner.model_copy(update={"workers": 1})
    over_parts(runner, parts, EachPart(work))


def over_parts(runner: RunnerSettings, parts: list[str], each: beam.PTransform) -> None:
    """The pipeline of one transform over parts, in their order as far as workers are free: on one machine they take them, on engines
    they are dealt out."""
    if runner.name != "local" or min(runner.processes, len(parts)) == 1:
        run(runner, lambda p: p | "Parts" >> Spread(parts) | "Each" >> each, shuffles=False, parts=len(parts))
        return
    with tempfile.TemporaryDirectory(prefix="weft-claims-") as folder:
        claimed = Claimed(parts, min(runner.processes, len(parts)), folder)
        run(runner, lambda p: p | "Parts" >> claimed | "Each" >> each, shuffles=False, parts=len(parts))


def known_options() -> frozenset[str]:
    """The names of all options that Beam's registered option classes define."""
    parser = argparse.ArgumentParser(allow_abbrev=False, conflict_handler="resolve")
    for cls in PipelineOptions.__subclasses__():
        cls._add_argparse_args(parser)
    return frozenset(s.removeprefix("--") for a in parser._actions for s in a.option_strings if s.startswith("--"))
