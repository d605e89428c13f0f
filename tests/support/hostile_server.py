"""A loopback server that plays every bad host: raw sockets, so that it can lie about anything. In its own thread and event loop.

The host name chooses the manners of a host (its first label), the path the behaviour of a picture; every request is logged with
its times, so that politeness is judged by what the server saw.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote

AGENT = "weft/0.1 (+https://example.org/crawler)"
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


@dataclass
class Seen:
    host: str
    path: str
    agent: str
    begin: float
    end: float = 0.0


@dataclass
class HostileServer:
    """`with HostileServer() as s: s.port, s.log`."""

    latency_s: float = 0.0
    robots: Callable[[str], bytes | None] = lambda host: None  # None = 404
    tdmrep: Callable[[str], bytes | None] = lambda host: None  # None = 404
    certificate: Path | None = None  # folder for a self-signed certificate: serve TLS with it
    log: list[Seen] = field(default_factory=list)
    connections: int = 0
    stalls: list[tuple[float, float]] = field(default_factory=list)  # when its loop stood still: what came then was stamped later

    def __enter__(self) -> HostileServer:
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def paths(self, host: str = "") -> list[str]:
        return [s.path for s in self.log if not host or s.host == host]

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main(ready))
        self._loop.close()

    async def _main(self, ready: threading.Event) -> None:
        self._stop = asyncio.Event()
        tls = _tls(self.certificate) if self.certificate else None
        server = await asyncio.start_server(self._client, "127.0.0.1", 0, backlog=1024, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        ticker = asyncio.create_task(self._tick())
        await self._stop.wait()
        ticker.cancel()
        server.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tick(self) -> None:
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            if (now := time.monotonic()) - due > 0.01:
                self.stalls.append((due, now))

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
                host = fields.get("host", "").rsplit(":", 1)[0]
                seen = Seen(host, lines[0].split(" ")[1], fields.get("user-agent", ""), time.monotonic())
                self.log.append(seen)
                try:
                    if self.latency_s:
                        await asyncio.sleep(self.latency_s)
                    alive = await self._answer(seen, writer)
                finally:
                    seen.end = time.monotonic()
                if not alive:
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        host, path = seen.host, seen.path
        if host.startswith("silent"):
            await asyncio.sleep(60)
            return False
        if path == "/robots.txt":
            body = self.robots(host)
            return await _send(w, 404 if body is None else 200, b"" if body is None else body, {"Content-Type": "text/plain"})
        if path.startswith("/.well-known/"):
            body = self.tdmrep(host)
            return await _send(w, 404 if body is None else 200, body or b"", {"Content-Type": "application/json"})
        if host.startswith("busy"):
            return await _send(w, 429, b"", {"Retry-After": "1"})
        name = "tarpit" if host.startswith("tarpit") else path.strip("/").split("/")[0]
        act = getattr(self, f"_do_{name.replace('-', '_')}", None)
        return await act(seen, w) if act else await _send(w, 200, IMAGE + path.encode())

    async def _do_tarpit(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(600):
            w.write(b"x")
            await w.drain()
            await asyncio.sleep(0.1)
        return False

    async def _do_endless(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(4000):
            w.write(b"10000\r\n" + bytes(65536) + b"\r\n")
            await w.drain()
        return False

    async def _do_bomb(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        kind = seen.path.split("/")[2]
        return await _send(w, 200, bomb(kind), {"Content-Encoding": kind, "Content-Type": "image/png"})

    async def _do_zipped(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, 200, gzip.compress(IMAGE, mtime=0), {"Content-Encoding": "gzip"})

    async def _do_empty(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, 200, b"")

    async def _do_short(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + IMAGE)
        return False

    async def _do_claims(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + IMAGE)
        return False

    async def _do_lying_type(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, 200, b"<html>no picture</html>", {"Content-Type": "image/jpeg"})

    async def _do_reset(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.transport.abort()
        return False

    async def _do_loop(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, 302, b"", {"Location": seen.path})

    async def _do_to(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        """/to/<n>/<url>: after n hops, redirect to the URL."""
        _, _, n, target = unquote(seen.path).split("/", 3)
        return await _send(w, 302, b"", {"Location": target if n == "1" else f"/to/{int(n) - 1}/{target}"})

    async def _do_long_header(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, 200, IMAGE, {"X-Long": "a" * 10_240})

    async def _do_headers(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"HTTP/1.1 200 OK\r\n")
        for i in range(200_000):
            w.write(f"X-{i}: {'a' * 100}\r\n".encode())
            await w.drain()
        return False

    async def _do_garbage(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        w.write(b"\x00\xff" * 3000)
        return False

    async def _do_says(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        """/says/<header>/<value>: then the body must not be read, so it never ends."""
        _, _, name, value = seen.path.split("/", 3)
        w.write(f"HTTP/1.1 200 OK\r\n{name}: {value.replace('+', ' ')}\r\nContent-Length: 100000\r\n\r\n".encode())
        await w.drain()
        await asyncio.sleep(60)
        return False

    async def _do_flaky(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        before = sum(s.host == seen.host and s.path == seen.path for s in self.log)
        return await _send(w, 503, b"", {"Retry-After": "0"}) if before == 1 else await _send(w, 200, IMAGE)

    async def _do_status(self, seen: Seen, w: asyncio.StreamWriter) -> bool:
        return await _send(w, int(seen.path.split("/")[2]), b"words")


@dataclass
class Apart:
    """A server in a process of its own; `log` and `stalls` are there when its block has ended."""

    address: str
    log: list[Seen] = field(default_factory=list)
    stalls: list[tuple[float, float]] = field(default_factory=list)

    def earliest(self, stamp: float) -> float:
        """When a request stamped then may have come at the earliest: before the stalls that end just before the stamp."""
        for began, ended in reversed(self.stalls):
            if began <= stamp <= ended + 0.03:  # accepting, reading and stamping are turns of the loop
                stamp = began
        return stamp


@contextmanager
def apart(robots: dict[str, str]) -> Iterator[Apart]:
    """`robots`: first letters of a host name -> its robots.txt; others have none. Client and server share no event loop, so that the
    stamps of the log are the server's own."""
    command = [sys.executable, "-c", "from tests.support.hostile_server import _child; _child()", json.dumps(robots)]
    root = Path(__file__).parents[2]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
    assert child.stdin and child.stdout
    server = Apart(f"127.0.0.1:{int(child.stdout.readline())}")
    try:
        yield server
    finally:
        out = child.communicate(timeout=30)[0]
    found = json.loads(out)
    server.log, server.stalls = [Seen(*s) for s in found["log"]], [(a, b) for a, b in found["stalls"]]


def _child() -> None:
    files = json.loads(sys.argv[1])
    with HostileServer(robots=lambda host: next((t.encode() for p, t in files.items() if host.startswith(p)), None)) as server:
        print(server.port, flush=True)
        sys.stdin.read()
        log = [(s.host, s.path, s.agent, s.begin, s.end) for s in server.log]
        print(json.dumps({"log": log, "stalls": server.stalls}))


async def _send(w: asyncio.StreamWriter, status: int, body: bytes, headers: dict[str, str] | None = None) -> bool:
    extra = "".join(f"{k}: {v}\r\n" for k, v in (headers or {"Content-Type": "image/png"}).items())
    w.write(f"HTTP/1.1 {status} words\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)
    await w.drain()
    return True


@lru_cache
def bomb(kind: str, size: int = 64 << 20) -> bytes:
    """Zeros, packed: a few kilobytes that stand for `size` bytes."""
    zeros = bytes(1 << 20)
    if kind == "gzip":
        c = zlib.compressobj(9, zlib.DEFLATED, 31)
        return b"".join(c.compress(zeros) for _ in range(size >> 20)) + c.flush()
    if kind == "deflate":
        c = zlib.compressobj(9)
        return b"".join(c.compress(zeros) for _ in range(size >> 20)) + c.flush()
    if kind == "br":
        import brotli

        b = brotli.Compressor(quality=3)
        return b"".join(b.process(zeros) for _ in range(size >> 20)) + b.finish()
    if kind == "zstd":
        import zstandard

        z = zstandard.ZstdCompressor().compressobj()
        return b"".join(z.compress(zeros) for _ in range(size >> 20)) + z.flush()
    raise ValueError(kind)


def _tls(folder: Path) -> ssl.SSLContext:
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=someone-else.example",
         "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context
