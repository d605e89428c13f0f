"""The pool of Beam workers on each machine of a Spark or Flink cluster: `python -m pipelines.pool --port 50000`.

It speaks Beam's protocol of external workers, as `apache_beam.runners.worker.worker_pool_main` does, but forks its workers from a nursery:
a run has two dozen pipelines, and Beam's own pool starts an interpreter and imports everything for each worker of each.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from typing import Any

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.utils.thread_pool_executor import shared_unbounded_instance

from pipelines.nursery import Nursery

_log = logging.getLogger(__name__)


class Pool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    def __init__(self, nursery: Nursery) -> None:
        self.nursery = nursery

    def StartWorker(self, request: Any, context: Any) -> Any:
        worker = request.worker_id
        try:
            self.nursery.start(worker, request.control_endpoint.url, lambda how: _log.error("worker %s: %s", worker, how) if how else None)
        except OSError as e:
            return beam_fn_api_pb2.StartWorkerResponse(error=f"{type(e).__name__}: {e}")
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: Any) -> Any:
        self.nursery.stop(request.worker_id)
        return beam_fn_api_pb2.StopWorkerResponse()


def serve(port: int, host: str) -> tuple[grpc.Server, int]:
    """Start answering; the server and its port. OSError if the port is taken."""
    server = grpc.server(
        shared_unbounded_instance(),
        options=[("grpc.http2.max_pings_without_data", 0), ("grpc.http2.max_ping_strikes", 0), ("grpc.so_reuseport", 0)],
    )
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as e:
        raise OSError(f"cannot listen on {host}:{port}: is a pool running there already?") from e
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(Pool(Nursery()), server)
    server.start()
    return server, bound


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m pipelines.pool", description=__doc__)
    parser.add_argument("--port", type=int, default=50000)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on; whoever reaches it can run code here (default: loopback)"
    )
    args = parser.parse_args()
    ended = threading.Event()
    for sig in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sig, lambda *_: ended.set())
    server, port = serve(args.port, args.host)
    print(f"workers for Spark and Flink at {args.host}:{port}", flush=True)
    ended.wait()
    server.stop(0)


if __name__ == "__main__":
    main()
