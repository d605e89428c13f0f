"""Real engines for the tests, started and stopped here. Where a part is missing the test skips and says which. `make engines` brings
them all, and `. .engines/env` sets these:

WEFT_PRISM            the prism binary (go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0)
WEFT_SPARK_JOB_SERVER the jar of deploy/spark/pom.xml, or Beam's own
WEFT_FLINK_JOB_SERVER the jar of deploy/flink/pom.xml, or Beam's own
WEFT_SPARK_HOME       a Spark 3.5 distribution, e.g. the folder of the pyspark package
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


def needed(variable: str, what: str) -> str:
    """The path in an environment variable; skips if it is unset or names nothing."""
    path = os.environ.get(variable, "")
    if not path or not os.path.exists(path):
        pytest.skip(f"{what} is absent: set {variable} (docs/runners/)")
    return path


def java() -> str:
    found = shutil.which("java")
    if not found:
        pytest.skip("Java is absent: Spark and Flink need Java 11 or 17")
    return found


def free_port() -> int:
    with socket.socket() as s:
        s.bind((LOOPBACK, 0))
        return s.getsockname()[1]


def wait_for(port: int, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as s:
            if s.connect_ex((LOOPBACK, port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port} after {seconds:.0f} s")


@contextmanager
def process(command: list[str], log: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child in its own process group; the group ends with the block."""
    import signal

    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with log.open("wb") as out:
        p = subprocess.Popen(
            command, stdout=out, stderr=out, start_new_session=True, env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **env}
        )
        try:
            yield p
        finally:
            for sig, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 10)):
                try:
                    os.killpg(p.pid, sig)
                except ProcessLookupError:
                    break
                try:
                    p.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue


@contextmanager
def worker_pool(tmp: Path) -> Iterator[str]:
    """The pool of SDK workers; its address."""
    port = free_port()
    command = [sys.executable, "-m", "pipelines.pool", f"--port={port}"]
    with process(command, tmp / "pool.log"):
        wait_for(port)
        yield f"{LOOPBACK}:{port}"


@contextmanager
def spark_cluster(tmp: Path, home: str, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A standalone cluster: a master and workers of one core each. Its URL and the workers' processes."""
    port = free_port()
    env = {"SPARK_HOME": home, "SPARK_LOCAL_IP": LOOPBACK, "SPARK_DAEMON_MEMORY": "256m"}
    run = [f"{home}/bin/spark-class"]
    url = f"spark://{LOOPBACK}:{port}"
    with ExitStack() as stack:
        master = [*run, "org.apache.spark.deploy.master.Master", "--host", LOOPBACK, "--port", str(port), "--webui-port", "0"]
        stack.enter_context(process(master, tmp / "master.log", **env))
        wait_for(port)
        started = []
        for i in range(workers):
            worker = [*run, "org.apache.spark.deploy.worker.Worker", "--host", LOOPBACK, "--webui-port", "0", "-c", "1", "-m", "700m",
                      "-d", str(tmp / f"worker{i}"), url]  # fmt: skip
            started.append(stack.enter_context(process(worker, tmp / f"worker{i}.log", **env)))
        end = time.monotonic() + 300
        while (tmp / "master.log").read_text(errors="replace").count("Registering worker") < workers:
            if time.monotonic() > end:
                raise TimeoutError("the Spark workers did not register: see master.log")
            time.sleep(0.3)
        yield url, started
