"""A Beam worker process, forked from the nursery: Beam's harness, quiet, and its end of the engines' own protocol.

Two ways lead here. On one machine the driver asks its nursery for workers (`ForkedEnvironment`); on a cluster the engine asks the
pool that runs on each machine (`pipelines.pool`).
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2
from apache_beam.runners.portability.fn_api_runner import worker_handlers
from apache_beam.runners.worker.sdk_worker import SdkHarness
from apache_beam.transforms.environments import Environment

from pipelines.nursery import THE_NURSERY

URN = "weft:env:forked:v1"


def work(control: str, worker: str) -> None:
    """Serve the engine until it says that it is done."""
    # Beam announces every connection, and prints every failure before it reports it; the driver says it once
    logging.disable(logging.INFO if os.environ.get("WEFT_DEBUG") else logging.ERROR)
    SdkHarness(
        control, worker_id=worker, state_cache_size=worker_handlers.STATE_CACHE_SIZE_MB << 20,
        data_buffer_time_limit_ms=worker_handlers.DATA_BUFFER_TIME_LIMIT_MS,
        runner_capabilities=worker_handlers.FNAPI_RUNNER_CAPABILITIES,
    ).run()  # fmt: skip


class WorkerDied(RuntimeError):
    """A worker process ended before its work did."""


@Environment.register_urn(URN, bytes)
class ForkedEnvironment(Environment):
    """What FnApiRunner takes for "run it in processes of the nursery"."""

    def to_runner_api_parameter(self, context: Any) -> tuple[str, bytes]:
        return URN, b""

    @staticmethod
    def from_runner_api_parameter(
        payload: bytes, capabilities: Any, artifacts: Any, resource_hints: Any, context: Any
    ) -> ForkedEnvironment:
        return ForkedEnvironment(capabilities, artifacts, resource_hints)


@worker_handlers.WorkerHandler.register_environment(URN, bytes)
class ForkedWorkerHandler(worker_handlers.GrpcWorkerHandler):
    """Beam's own handler of worker processes waits for ever for one that was killed; this one ends the pipeline.

    Whatever a dead worker was asked, and whatever it is asked from then on (it may die before it was asked anything), is answered for
    it with an error. Beam's `ControlConnection.abort` would not do: a pass that waits for a worker's output looks for an answer only."""

    def __init__(self, _payload: bytes, state: Any, provision_info: Any, grpc_server: Any):
        super().__init__(state, provision_info, grpc_server)
        self._lock = threading.Lock()
        self._died = ""
        self._asked: list[Any] = []  # futures without an answer
        self._push = self.control_conn.push
        self.control_conn.push = self._ask  # type: ignore[method-assign]

    def start_worker(self) -> None:
        try:
            THE_NURSERY.start(self.worker_id, self.control_address, self._ended)
        except OSError as e:
            raise WorkerDied(f"the process that workers are forked from ended ({e})") from e

    def stop_worker(self) -> None:
        THE_NURSERY.stop(self.worker_id)

    def _ask(self, request: Any) -> Any:
        future = self._push(request)
        if future is not None:  # None: the mark that ends the stream
            with self._lock:
                self._asked = [f for f in self._asked if not f.is_done()] + [future]
                self._answer()
        return future

    def _ended(self, how: str) -> None:
        with self._lock:
            self._died = (
                f"worker process {how or 'left'} (SIGKILL: usually out of memory; use fewer --workers or a smaller input.unit_bytes)"
            )
            self._answer()

    def _answer(self) -> None:
        if self._died:
            for f in self._asked:
                f.set(beam_fn_api_pb2.InstructionResponse(instruction_id=f.instruction_id, error=f"WorkerDied: {self._died}"))
            self._asked = []
