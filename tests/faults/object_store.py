"""A run whose folder lies on an S3-compatible server that refuses, stalls and hangs up.

    python -m tests.faults.object_store [--seed S] [--refused SHARE]

The server is moto's, a real one over HTTP on loopback. The run must end by its clients' retries or, killed off by too many refusals, by running the
same command again; and then hold the same files as a run on this disk.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults import chain, golden

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Moody:
    """A WSGI application before another's: of `refused`, half get 503, a quarter wait a second, a quarter lose their connection."""

    def __init__(self, app: Any, refused: float, seed: int):
        self.app, self.refused, self.rng, self.lock = app, refused, random.Random(seed), threading.Lock()
        self.did: Counter[str] = Counter()

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        with self.lock:
            draw = self.rng.random()
            kind = (
                ""
                if draw >= self.refused
                else "refused"
                if draw < self.refused / 2
                else "slow"
                if draw < self.refused * 3 / 4
                else "cut off"
            )
            self.did[kind or "served"] += 1
        if kind == "slow":
            time.sleep(1)
        elif kind:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            environ["wsgi.input"].read(length)
            if kind == "cut off":
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
                raise ConnectionAbortedError("as the fault plan asks")
            start("503 Slow Down", [("Content-Type", "application/xml"), ("Content-Length", "0")])
            return []
        return self.app(environ, start)


@contextmanager
def server(refused: float = 0.0, seed: int = 0) -> Generator[tuple[dict[str, str], Moody]]:
    """(environment for clients, the application), with an empty bucket `weft`."""
    import logging

    import boto3
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    moody = Moody(DomainDispatcherApplication(create_backend_app), 0.0, seed)
    http = make_server("127.0.0.1", 0, moody, threaded=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    environment = {**os.environ, **KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{http.server_port}"}
    try:
        boto3.client(
            "s3",
            endpoint_url=environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).create_bucket(Bucket="weft")
        moody.refused = refused
        yield environment, moody
    finally:
        http.shutdown()
        thread.join()


def trial(scratch: Path, refused: float, seed: int) -> dict[str, Any]:
    """One run here, one there; counts and everything that was wrong."""
    from demo import build
    from demo.server import serve

    web = build(scratch / "web", 50, 7)
    with serve(web) as images, server(refused, seed) as (environment, moody):
        command = [sys.executable, "-m", "tests.faults.chain", str(scratch / "web"), str(images.port)]
        subprocess.run([*command, str(scratch / "here"), "1", *chain.PLAIN], check=True)
        codes = []
        while not codes or (codes[-1] and len(codes) < 20):
            codes.append(subprocess.run([*command, "s3://weft/run", "1", *chain.PLAIN], env=environment, check=False).returncode)
        moody.refused = 0.0
        subprocess.run([sys.executable, "-c", FETCH, "weft/run", str(scratch / "there")], env=environment, check=True)
    here, there = golden.files(scratch / "here"), golden.files(scratch / "there")
    wrong = (
        [n for n in sorted(here.keys() | there.keys()) if here.get(n) != there.get(n)]
        + golden.unbalanced(scratch / "there")
        + golden.half(scratch / "there", here)
    )
    if not (scratch / "there" / "report.html").is_file():
        wrong.append("no report")
    return {"seed": seed, "codes": codes, "requests": dict(moody.did), "files": len(there), "wrong": wrong}


FETCH = "import sys, fsspec; fsspec.filesystem('s3').get(sys.argv[1], sys.argv[2], recursive=True)"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.object_store")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--refused", type=float, default=0.1, help="share of requests that do not go well (default: 0.1)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        row = trial(Path(scratch), args.refused, args.seed)
    print(json.dumps(row))
    return int(bool(row["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
