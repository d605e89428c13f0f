"""Names to addresses: the system's resolver in threads of its own, each name once in five minutes; or a test map."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from pipelines.web.fetch.dial import target

Address = tuple[str, int]  # ip, port
KEEP_S = 300.0  # how long an answer is used
THREADS = 256  # look-ups at once: a name server that is silent holds a thread for its own time-out, not the others
MOST = 100_000  # names held


class Resolver(Protocol):
    """Whom the pool asks. Another one may take its place."""

    async def resolve(self, host: str, port: int) -> list[Address]: ...

    def close(self) -> None: ...


class SystemResolver:
    """getaddrinfo. The event loop's own would share a handful of threads among all look-ups."""

    def __init__(self, threads: int = THREADS):
        self._threads = ThreadPoolExecutor(threads, "dns")
        self._known: dict[str, tuple[float, asyncio.Future[list[str]]]] = {}

    async def resolve(self, host: str, port: int) -> list[Address]:
        """OSError if the name is not known. Who asks for a name that is being looked up waits for that answer."""
        now = time.monotonic()
        until, found = self._known.get(host, (0.0, None))
        if found is None or now > until or (found.done() and (found.cancelled() or found.exception())):
            if len(self._known) >= MOST:
                self._known.clear()
            found = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host)
            self._known[host] = (now + KEEP_S, found)
        return [(ip, port) for ip in await asyncio.shield(found)]

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class TestMap:
    """Host or "*" -> loopback "ip:port", so that public names play on this machine."""

    __test__ = False  # not a test, whatever its name says to pytest

    def __init__(self, mapping: Mapping[str, str]):
        self._mapping = mapping

    async def resolve(self, host: str, port: int) -> list[Address]:
        played = self._mapping.get(host) or self._mapping.get("*")
        if played is None:
            raise socket.gaierror(socket.EAI_NONAME, "not in the test map")
        return [target(played)]

    def close(self) -> None:
        pass


def _look_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(a[4][0]) for a in found))
