"""Worker processes that start in milliseconds: forked from one process that has imported everything and runs no thread.

A fresh interpreter pays seconds of imports (Beam, Arrow, the stages), and a stage runs several pipelines of several workers each. The
nursery pays once a run; every worker still begins with a clean memory. It is forked from, never from the driver: forking a
process that has threads is not safe. It ends, and takes its children with it, when the driver's end of its socket closes.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

PRELOADED = (
    "pyarrow.parquet", "pyarrow.compute", "pipelines.beam", "apache_beam.runners.worker.sdk_worker",
    *(f"pipelines.stages.{s}" for s in ("extract", "dedup", "fetch", "score", "select", "pack", "report")),
)  # fmt: skip
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
DIE_WITH_PARENT = 1  # prctl option PR_SET_PDEATHSIG
CLIP = ("torch", "open_clip", "apache_beam.ml.inference.base", "pipelines.models.clip")  # seconds of imports for each worker of each pass
# Arrow's jemalloc starts a thread as soon as it is loaded. A child forked while it holds a lock stands still; that is what a run with
# torch preloaded once did
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}


class Nursery:
    """The driver's side. Thread-safe; started at the first `start`, closed at exit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._ended: dict[str, Callable[[str], None]] = {}
        self._more: list[str] = []

    def preload(self, modules: tuple[str, ...]) -> None:
        """Import further modules before the next fork, once; those that are not installed are left to the worker to miss."""
        with self._lock:
            if new := [m for m in modules if m not in self._more]:
                self._more += new
                self._say({"preload": new})

    def open(self) -> None:
        """Begin to import, so that the first workers wait less."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._open()

    def soon(self, modules: tuple[str, ...]) -> None:
        """Import further modules one by one while nothing is asked for; `preload` imports those that are left."""
        with self._lock:
            self._say({"soon": modules})

    def start(self, worker: str, control: str, ended: Callable[[str], None]) -> None:
        """Fork a Beam worker `worker` that reports to `control`. `ended` is called, from another thread, with how it ended, unless
        it was asked to stop or ended in order ("")."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._open()
            self._ended[worker] = ended
            assert self._sock is not None
            self._sock.sendall(_line({"start": worker, "control": control, "env": dict(os.environ),
                                      "cwd": os.getcwd(), "path": sys.path}))  # fmt: skip

    def stop(self, worker: str) -> None:
        """End a worker, if it still runs."""
        with self._lock:
            if self._ended.pop(worker, None) is not None:
                self._say({"stop": worker})

    def _say(self, message: dict[str, Any]) -> None:
        """Tell the process something that does not matter if it is dead: its workers and what it had imported are gone with it."""
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.sendall(_line(message))

    def close(self) -> None:
        with self._lock:
            self._ended.clear()
            if self._sock is not None:
                with contextlib.suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RDWR)  # a close alone is not heard while the listening thread reads
                self._sock.close()
                self._sock = None
            if self._process is not None:
                self._process.kill()  # it may be in the middle of an import of seconds; its workers end with it
                self._process.wait()
                self._process = None

    def _open(self) -> None:
        ours, theirs = socket.socketpair()
        env = {**os.environ, **NO_THREADS, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
        for name in THREADS:  # a numeric library's pool in each of several workers: they fight over the cores (measured: 5x slower)
            env.setdefault(name, "1")
        command = [sys.executable, "-m", "pipelines.nursery", str(theirs.fileno())]
        self._process = subprocess.Popen(command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
        theirs.close()
        self._sock, self._ended = ours, {}  # the workers of a nursery that died are told so by its own listener
        if self._more:
            ours.sendall(_line({"preload": self._more}))
        threading.Thread(target=self._listen, args=(ours, self._ended), name="nursery", daemon=True).start()
        atexit.register(self.close)

    def _listen(self, sock: socket.socket, workers: dict[str, Callable[[str], None]]) -> None:
        for message in _messages(sock):
            with self._lock:
                ended = workers.pop(message["worker"], None)
            if ended is not None:
                ended(message["how"])
        with self._lock:
            left = list(workers.values())
            workers.clear()
        for ended in left:
            ended("lost: its nursery ended")


THE_NURSERY = Nursery()


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _messages(sock: socket.socket) -> Iterator[dict[str, Any]]:
    buffer = b""
    while True:
        try:
            got = sock.recv(1 << 16)
        except OSError:  # closed under us
            return
        if not got:
            return
        *lines, buffer = (buffer + got).split(b"\n")
        yield from map(json.loads, lines)


def main(fd: int) -> None:
    """The nursery's own process: one thread, forking on request, reporting deaths."""
    _import(PRELOADED)
    sock = socket.socket(fileno=fd)
    wake, waker = socket.socketpair()
    for end in (wake, waker):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    workers: dict[int, str] = {}
    later: list[str] = []
    buffer = b""
    while True:
        ready, _, _ = select.select([sock, wake], [], [], 0 if later else None)
        if not ready:
            _import([later.pop(0)])
        if wake in ready:
            wake.recv(4096)
            for pid, status in _reap(workers):
                _tell(sock, workers.pop(pid), status)
        if sock not in ready:
            continue
        got = sock.recv(1 << 20)
        if not got:
            break
        *lines, buffer = (buffer + got).split(b"\n")
        for request in map(json.loads, lines):
            _import(request.get("preload", ()))
            later += request.get("soon", ())
            if "start" in request:
                if (pid := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    for end in (sock, wake, waker):
                        end.close()
                    _child(request)
                workers[pid] = request["start"]
            for pid in [p for p, w in workers.items() if w == request.get("stop")]:
                os.kill(pid, signal.SIGKILL)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)  # frozen objects are not taken apart


def _import(names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if names:
        gc.collect()
        gc.freeze()  # shared pages stay shared


def _reap(workers: dict[int, str]) -> Iterator[tuple[int, int]]:
    for pid in list(workers):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            yield pid, status


def _tell(sock: socket.socket, worker: str, status: int) -> None:
    code = os.waitstatus_to_exitcode(status)
    how = "" if code == 0 else f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    try:
        sock.sendall(_line({"worker": worker, "how": how}))
    except OSError:  # the driver has gone; the main loop sees it too
        return


def _child(request: dict[str, Any]) -> None:
    code = 1
    try:
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(request["env"])
        for name in THREADS:
            os.environ.setdefault(name, "1")
        os.chdir(request["cwd"])
        sys.path[:] = request["path"]
        from pipelines.worker import work

        work(request["control"], request["start"])
        code = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
