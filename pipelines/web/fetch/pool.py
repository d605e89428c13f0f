"""Connections: opened to addresses that may be dialled, kept while they may be asked again, never more to a host than allowed."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections import deque
from urllib.parse import unquote, urlsplit

from pipelines.web.fetch.dial import Dialler, Site
from pipelines.web.fetch.reply import Reply
from pipelines.web.fetch.resolve import Resolver

KEEP_S = 15.0  # how long an unused connection is kept; most servers close theirs at about that age
TICK_S = 0.2  # between two looks at what is under way: a deadline is met within that
BUFFER = 64 << 10
MAX_PROXY_HEAD = 8 << 10


class Connection(asyncio.BufferedProtocol):
    """One socket, one answer at a time. What arrives is parsed at once, so all connections of a pool read into one buffer."""

    __slots__ = ("closed", "counted", "idle_since", "pool", "reply", "site", "to")

    def __init__(self, pool: Pool, site: Site):
        self.pool, self.site, self.closed, self.idle_since = pool, site, False, 0.0
        self.counted = False  # among the open ones of its host
        self.to: asyncio.Transport | None = None
        self.reply: Reply | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.to = transport  # type: ignore[assignment]  # uvloop's has no base class of asyncio's

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.pool.view

    def buffer_updated(self, nbytes: int) -> None:
        if self.reply is None:
            self.abort()  # nobody asked
        else:
            self.reply.feed(self.pool.view[:nbytes])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.closed:
            self.closed = True
            self.pool.forget(self)
        if self.reply is not None:
            self.reply.lost(exc)

    def ask(self, request: bytes, reply: Reply) -> None:
        self.reply = reply
        if self.to is None or self.closed:
            reply.lost(None)
        else:
            self.to.write(request)

    def abort(self) -> None:
        if not self.closed:
            self.closed = True
            self.pool.forget(self)
        if self.to is not None:
            self.to.abort()


class Pool:
    """`per_host`: connections to one host at once, idle ones too (0 = any); who needs one more waits."""

    def __init__(self, dial: Dialler, resolver: Resolver, per_host: int = 0, proxy: str = ""):
        self.loop = asyncio.get_running_loop()
        self.dial, self.resolver, self.per_host = dial, resolver, per_host
        self.proxy = _Proxy(proxy) if proxy else None
        self.view = memoryview(bytearray(BUFFER))
        self.live: set[Reply] = set()
        self._idle: dict[str, list[Connection]] = {}
        self._resting: dict[Connection, None] = {}  # idle ones, the longest first
        self._open: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._tls: ssl.SSLContext | None = None
        self._ticker = self.loop.call_later(TICK_S, self._tick)

    def idle(self, site: Site) -> Connection | None:
        """A free connection to that site, taken out."""
        kept = self._idle.get(site.host)
        if kept:
            for c in reversed(kept):
                if c.site == site:
                    self._take(c, kept)
                    return c
        return None

    def give(self, c: Connection) -> None:
        """Back: kept if the server keeps it."""
        reply, c.reply = c.reply, None
        if reply is not None:
            reply.release()
        if c.closed or reply is None or not reply.reusable:
            return c.abort()
        c.idle_since = self.loop.time()
        self._idle.setdefault(c.site.host, []).append(c)
        self._resting[c] = None
        self._wake(c.site.host)

    async def open(self, site: Site, connect_s: float, fresh: bool = False) -> Connection:
        """A connection, when this host may have one more: a new one, or (unless `fresh`) one that has become free meanwhile. OSError
        (Denied, gaierror, ssl.SSLError, TimeoutError, ...) if there is none to be had."""
        host = site.host
        while self.per_host and self._open.get(host, 0) >= self.per_host:
            if not fresh and (free := self.idle(site)) is not None:
                return free
            if kept := self._idle.get(host):
                kept[0].abort()  # to another port or scheme of this host
                continue
            turn = self.loop.create_future()
            self._waiting.setdefault(host, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():
                    self._wake(host)  # the next one's turn, then
                raise
        self._open[host] = self._open.get(host, 0) + 1
        try:
            connection = await self._connect(site, connect_s)
        except BaseException:
            self._closed(host)
            raise
        connection.counted = True
        if connection.closed:
            self.forget(connection)
        return connection

    async def _connect(self, site: Site, connect_s: float) -> Connection:
        literal, to = site.literal, (site.host, site.dialled)
        if self.proxy is not None:
            literal, to = "", self.proxy.address
        async with asyncio.timeout(connect_s):
            addresses = [(literal, to[1])] if literal else await self.resolver.resolve(*to)
        problem: OSError = OSError("dns failure: no address")
        for ip, port in addresses:
            try:
                async with asyncio.timeout(connect_s):
                    return await self._dial(site, ip, port, bool(literal))
            except OSError as e:  # TimeoutError is one
                problem = e
        raise problem

    async def _dial(self, site: Site, ip: str, port: int, literal: bool) -> Connection:
        s = self.dial(ip, port, literal)
        try:
            await self.loop.sock_connect(s, (ip, port))
            secure = site.scheme == "https"
            if self.proxy is not None and secure:
                await self.proxy.tunnel(self.loop, s, site)
            how = {"ssl": self._context(), "server_hostname": site.host} if secure else {}
            _, connection = await self.loop.create_connection(lambda: Connection(self, site), sock=s, **how)  # type: ignore[arg-type]
        except BaseException:
            s.close()
            raise
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def forget(self, c: Connection) -> None:
        """It is closed."""
        if c in self._resting:
            self._take(c, self._idle[c.site.host])
        if c.counted:
            c.counted = False
            self._closed(c.site.host)

    def _take(self, c: Connection, kept: list[Connection]) -> None:
        kept.remove(c)
        if not kept:
            del self._idle[c.site.host]
        del self._resting[c]

    def _closed(self, host: str) -> None:
        left = self._open.get(host, 1) - 1
        if left > 0:
            self._open[host] = left
        else:
            self._open.pop(host, None)
        self._wake(host)

    def _wake(self, host: str) -> None:
        queue = self._waiting.get(host)
        while queue:
            turn = queue.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if queue is not None and not queue:
            del self._waiting[host]

    def _tick(self) -> None:
        """One timer for all: deadlines, rates, connections nobody has used."""
        self._ticker = self.loop.call_later(TICK_S, self._tick)
        now = self.loop.time()
        for reply in tuple(self.live):
            reply.check(now)
        for c in tuple(self._resting):
            if now - c.idle_since < KEEP_S:
                break
            c.abort()

    def close(self) -> None:
        self._ticker.cancel()
        for c in tuple(self._resting):
            c.abort()
        self.resolver.close()


class _Proxy:
    """A declared HTTP proxy: `http://[user:password@]host:port`."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"fetch.egress_proxy = {url!r}: give an http proxy as http://host:port")
        self.address = (parts.hostname, parts.port or 80)
        self.authorization = ""
        if parts.username is not None:
            secret = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self.authorization = f"Proxy-Authorization: Basic {base64.b64encode(secret.encode()).decode()}\r\n"

    async def tunnel(self, loop: asyncio.AbstractEventLoop, s: object, site: Site) -> None:
        """CONNECT on a fresh socket. OSError if the proxy will not."""
        host = f"[{site.host}]" if ":" in site.host else site.host
        to = f"{host}:{site.dialled}"
        await loop.sock_sendall(s, f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{self.authorization}\r\n".encode())  # type: ignore[arg-type]
        head = b""
        while b"\r\n\r\n" not in head:
            piece = await loop.sock_recv(s, 1024)  # type: ignore[arg-type]
            head += piece
            if not piece or len(head) > MAX_PROXY_HEAD:
                raise ConnectionResetError("the proxy closed the connection" if not piece else "the proxy's answer is too long")
        status = head.split(b" ", 2)[1:2]
        if status != [b"200"] or not head.endswith(b"\r\n\r\n"):
            raise ConnectionRefusedError(f"the proxy said {head[:80]!r} to CONNECT {to}")
