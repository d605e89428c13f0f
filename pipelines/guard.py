"""Runs native parsers and decoders in a child process that may die.

A page or an image from the web can crash, hang or exhaust the code that parses it. `Guard` calls one function in a child
process with limits on memory, CPU time, wall time, files and the size of what comes back, without the parent's environment
(so without credentials) and, where the kernel allows it, without a network. Items travel in batches over a socket as
length-prefixed bytes; nothing is unpickled, so a child taken over by its input cannot make the parent run anything.
An item is bytes, or a tuple of bytes that the function takes as its arguments, so that a large one need not be put together.

Every item is answered on its own, so the death of a child is the fault of the first item without an answer. Unless the
child was fresh, that item is tried once more alone in a new child (an earlier item may have corrupted its memory or used it
up); if it kills that too, its result is a `Death`. The items around it succeed. The same holds for an item that runs out of
memory without killing the child.

    with Guard("pipelines.images.decode:measure", GuardLimits(memory_bytes=2 << 30)) as guard:
        for item, result in guard.map(frames):
            ...  # bytes or Death

A child costs one interpreter start (`-m pipelines.guard_child`, no fork: forking a process that has threads is not safe).
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from typing import IO, TypeVar

from pipelines.cpu import Starts
from pipelines.guard_child import COUNT, EXCEPTION, MEMORY, OK, READY, REPLY, TOO_LONG

Item = bytes | tuple[bytes | memoryview, ...]
T = TypeVar("T", bound=Item)
_SMALL = 1 << 12  # bytes up to which pieces are sent together
_KEPT_ENV = ("PATH", "NUMBA_CACHE_DIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "SYSTEMROOT")


class GuardError(RuntimeError):
    """The child cannot be started or its target cannot be loaded: a fault of the installation, not of an item."""


@dataclass(frozen=True)
class GuardLimits:
    """What a child may use. Memory is address space (shared libraries count)."""

    memory_bytes: int = 1 << 30
    seconds_per_item: float = 10.0  # CPU time of the child: the same verdict on a busy and an idle machine
    wall_seconds_per_item: float | None = None  # default: 3 * seconds_per_item + 5; catches code that waits
    open_files: int = 64
    file_bytes: int = 1 << 20  # largest file it may write; its stderr is one
    reply_bytes: int = 64 << 20  # largest result
    batch_bytes: int = 16 << 20  # a batch ends at this size even if it has fewer items
    items_per_child: int = 20_000  # then a fresh one, against slow leaks of native code
    start_seconds: float = 300.0  # to import the target, on a busy machine too

    @property
    def wall(self) -> float:
        return self.wall_seconds_per_item or 3 * self.seconds_per_item + 5


@dataclass(frozen=True)
class Death:
    """Why an item has no result."""

    kind: str  # crash | timeout | memory | exception
    message: str  # at most 500 characters
    error: str = ""  # class of the exception or name of the signal
    trace: str = ""  # equal for equal failures


class _Gone(Exception):
    """The child has died or must be killed; carries the death."""

    def __init__(self, death: Death):
        super().__init__(death.message)
        self.death = death


def _pieces(item: Item) -> tuple[bytes | memoryview, ...]:
    return item if isinstance(item, tuple) else (item,)


class Guard:
    """Calls `target` ("package.module:function", of bytes, as many as an item has pieces, to bytes) in a guarded child. With `setup`,
    the target is called once per child with it and returns the function. Not thread-safe: one guard per thread."""

    def __init__(self, target: str, limits: GuardLimits | None = None, setup: bytes | None = None):
        self.target, self.limits, self.setup = target, limits or GuardLimits(), setup
        self.deaths = 0  # children that died
        self.starts = 0  # children started
        self._process: subprocess.Popen[bytes] | None = None
        self._sock: socket.socket | None = None
        self._stderr: IO[bytes] | None = None
        self._served = 0

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child. The guard starts a new one when it is used again."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._stderr is not None:
            self._stderr.close()
            self._stderr = None

    def __call__(self, item: Item) -> bytes | Death:
        """The result of one item."""
        return self._collect([item], self._send([item]))[0]

    def map(self, items: Iterable[T], batch: int = 32) -> Iterator[tuple[T, bytes | Death]]:
        """(item, result) in order. Items have as many pieces each. While the child works on a batch, the next one is drawn from `items`."""
        waiting: list[T] = []
        sent = False
        for group in self._batches(items, batch):
            if waiting:
                yield from zip(waiting, self._collect(waiting, sent), strict=True)
            waiting, sent = group, self._send(group)
        if waiting:
            yield from zip(waiting, self._collect(waiting, sent), strict=True)

    def _batches(self, items: Iterable[T], batch: int) -> Iterator[list[T]]:
        group: list[T] = []
        size = 0
        for item in items:
            own = sum(map(len, _pieces(item)))
            if group and (len(group) >= batch or size + own > self.limits.batch_bytes):
                yield group
                group, size = [], 0
            group.append(item)
            size += own
        if group:
            yield group

    def _collect(self, items: Sequence[Item], sent: bool) -> list[bytes | Death]:
        """Results of a batch; `sent`: it is already on its way."""
        results: list[bytes | Death] = []
        while len(results) < len(items):
            try:
                if not sent:
                    self._put(items[len(results) :])
                while len(results) < len(items):
                    result = self._get()
                    if isinstance(result, Death) and result.kind == "memory" and result.error != "reply_bytes":
                        raise _Gone(result)
                    results.append(result)
                    self._served += 1
            except _Gone as gone:
                self.deaths += 1
                fresh = self._served == 0
                self.close()
                from_outside = gone.death.error == "SIGKILL"  # the kernel or an operator: not for what the item did
                again = gone.death.kind != "timeout" and (not fresh or from_outside)
                results.append(self._alone(items[len(results)]) if again else gone.death)
            sent = False
        return results

    def _alone(self, item: Item) -> bytes | Death:
        try:
            self._put([item])
            result = self._get()
            self._served += 1
            return result
        except _Gone as gone:
            self.deaths += 1
            self.close()
            return gone.death

    def _send(self, items: Sequence[Item]) -> bool:
        """Put a batch on its way; False if the child died under it (then collecting sends it again and finds out whose fault)."""
        if self._served >= self.limits.items_per_child:
            self.close()
        try:
            self._put(items)
            return True
        except _Gone:
            self.deaths += 1
            self.close()
            return False

    def _put(self, items: Sequence[Item]) -> None:
        split = [_pieces(item) for item in items]
        if len({len(pieces) for pieces in split}) > 1:
            raise ValueError(f"items of different numbers of pieces for {self.target!r}")
        pieces = [*chain.from_iterable(split)]
        head = struct.pack(f"<II{len(pieces)}I", len(items), len(pieces), *map(len, pieces))
        if self._process is None:
            self._start()
        assert self._sock is not None
        try:
            self._sock.settimeout(self.limits.wall + 5)
            for small, group in groupby([head, *pieces], lambda piece: len(piece) <= _SMALL):
                for data in (b"".join(group),) if small else group:
                    self._sock.sendall(data)
        except TimeoutError:
            raise _Gone(Death("timeout", "the child did not read its input", "wall")) from None
        except OSError:
            raise _Gone(self._post_mortem()) from None

    def _get(self) -> bytes | Death:
        assert self._sock is not None
        try:
            self._sock.settimeout(self.limits.wall)
            status, length = REPLY.unpack(self._read(REPLY.size))
            if length > max(self.limits.reply_bytes, 4096):
                raise _Gone(Death("memory", f"the child announced a result of {length} bytes", "reply_bytes"))
            body = self._read(length)
        except TimeoutError:
            raise _Gone(Death("timeout", f"no result after {self.limits.wall:g} s", "wall")) from None
        except OSError:
            raise _Gone(self._post_mortem()) from None
        if status == OK:
            return bytes(body)
        text = body.decode("utf-8", "replace")
        if status == TOO_LONG:
            return Death("memory", text[:500], "reply_bytes")
        error, trace, message = (text.split("\x1f", 2) + ["", ""])[:3]
        if status in (EXCEPTION, MEMORY):
            return Death("memory" if status == MEMORY else "exception", f"{error}: {message}"[:500], error, trace)
        raise _Gone(Death("crash", f"the child answered with status {status}", "protocol"))

    def _read(self, n: int) -> bytearray:
        assert self._sock is not None
        buffer = bytearray(n)
        view, at = memoryview(buffer), 0
        while at < n:
            got = self._sock.recv_into(view[at:])
            if not got:
                raise ConnectionResetError
            at += got
        return buffer

    def _post_mortem(self) -> Death:
        """What the child died of, read from how it ended."""
        assert self._process is not None and self._stderr is not None
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return Death("crash", "the child closed its connection", "protocol")
        if code >= 0:
            return Death("crash", f"the child ended itself with exit code {code}", f"exit {code}", f"exit{code}")
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        if name in ("SIGPROF", "SIGXCPU"):
            return Death("timeout", f"more than {self.limits.seconds_per_item:g} s of CPU time", name, name)
        if name == "SIGALRM":
            return Death("timeout", f"no result after {self.limits.wall:g} s", name, name)
        if name == "SIGKILL":
            return Death("memory", "killed from outside (the kernel does this when memory runs out)", name, name)
        self._stderr.seek(0)
        words = self._stderr.read(1 << 16).decode("utf-8", "replace")
        frames = [line.strip() for line in words.splitlines() if line.lstrip().startswith("File ")]
        return Death("crash", f"{name} {frames[0] if frames else ''}".strip()[:500], name, name)

    def _start(self) -> None:
        limits = self.limits
        ours, theirs = socket.socketpair()
        self._sock, self._served = ours, 0
        self._stderr = tempfile.TemporaryFile()
        env = {k: os.environ[k] for k in _KEPT_ENV if k in os.environ}
        env |= {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1",
                "MALLOC_ARENA_MAX": "1"}  # fmt: skip
        numbers = (limits.memory_bytes, limits.open_files, limits.file_bytes, limits.seconds_per_item, limits.wall, limits.reply_bytes)
        command = [sys.executable, "-m", "pipelines.guard_child", str(theirs.fileno()), self.target, *map(str, numbers)]
        command.append("0" if self.setup is None else "1")
        try:
            self._process = subprocess.Popen(
                command, env=env, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self._stderr
            )
        except OSError as e:
            raise GuardError(f"cannot start a guarded child: {e}") from e
        finally:
            theirs.close()
        self.starts += 1
        try:
            ours.settimeout(limits.start_seconds)
            if self.setup is not None:
                ours.sendall(COUNT.pack(len(self.setup)) + self.setup)
            if self._read(1) == READY:
                Starts.count(self._process.pid)
                return
            reason = self._read(COUNT.unpack(self._read(COUNT.size))[0]).decode("utf-8", "replace").replace("\x1f", " ")
        except OSError as e:
            self._process.kill()
            self._process.wait()
            self._stderr.seek(0)
            reason = f"{type(e).__name__}: {self._stderr.read(1 << 16).decode('utf-8', 'replace')[-800:]}"
        self.close()
        raise GuardError(f"guarded child cannot load {self.target!r}: {reason}")
