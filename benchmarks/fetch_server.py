"""The other side of the fetch benchmarks: a loopback server in a process of its own, for any host name.

The first label of a host says how it behaves: `silent...` never answers, `tarpit...` drips a byte each half second, `busy...` says 429;
all others send one picture. Every answer comes after the latency. `python -m benchmarks.fetch_server LATENCY LOG PICTURE`.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

LATENCY_S = 0.1
ROBOTS = b"User-agent: *\nDisallow: /private\n"


@contextmanager
def server(folder: str, latency_s: float = LATENCY_S, log: str = "") -> Iterator[int]:
    """The port of a server that ends with the block, or with this process. Where there are two cores it gets one for itself, and this
    process (with its children) another: "one core" is meant literally, and the server is not what is measured."""
    picture = os.path.join(folder, "picture.jpg")
    if not os.path.exists(picture):
        from PIL import Image

        Image.effect_noise((256, 256), 60).convert("RGB").save(picture, "JPEG", quality=60)
    command = [sys.executable, "-m", "benchmarks.fetch_server", str(latency_s), log, picture]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    assert child.stdin and child.stdout
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(child.pid, cores[-1:])
        os.sched_setaffinity(0, cores[:1])
    try:
        yield int(child.stdout.readline())
    finally:
        if len(cores) > 1:
            os.sched_setaffinity(0, cores)
        child.stdin.close()
        child.wait(20)


def answer(status: int, data: bytes, kind: str = "image/jpeg", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status} words\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
    return head.encode() + data


class Site(asyncio.Protocol):
    """One connection."""

    latency = LATENCY_S
    log: IO[str] | None = None
    image = b""
    robots, none, busy = answer(200, ROBOTS, "text/plain"), answer(404, b""), answer(429, b"", extra="Retry-After: 1\r\n")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.to: Any = transport  # uvloop's has no base class of asyncio's
        self.data, self.open = b"", True

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.data.endswith(b"\r\n\r\n"):
            return
        head, self.data = self.data, b""
        path = head.split(b" ", 2)[1].decode()
        host = head.lower().split(b"host:", 1)[1].split(b"\r\n", 1)[0].strip().split(b":")[0].decode()
        if not host.startswith("silent"):
            asyncio.get_running_loop().call_later(self.latency, self.reply, host, path, time.monotonic())

    def reply(self, host: str, path: str, begin: float) -> None:
        if not self.open:
            return
        if self.log:
            self.log.write(json.dumps([host, path, begin, time.monotonic()]) + "\n")
        if path == "/robots.txt":
            self.to.write(self.robots)
        elif path.startswith("/.well-known"):
            self.to.write(self.none)
        elif host.startswith("busy"):
            self.to.write(self.busy)
        elif host.startswith("tarpit"):
            self.to.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            self.drip()
        else:
            self.to.write(self.image)

    def drip(self) -> None:
        if self.open:
            self.to.write(b"x")
            asyncio.get_running_loop().call_later(0.5, self.drip)


async def serve(latency_s: float, log: str, picture: str) -> None:
    """Until standard input ends."""
    Site.latency, Site.image = latency_s, answer(200, Path(picture).read_bytes())
    Site.log = open(log, "w", buffering=1 << 20, encoding="utf-8") if log else None
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(Site, "127.0.0.1", 0, backlog=4096)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    if Site.log:
        Site.log.close()


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve(float(sys.argv[1]), sys.argv[2], sys.argv[3]))
