"""One request at a time, bounded in every direction. The address is checked on the socket about to be dialled.

So a name that resolves to loopback, a literal address, a redirect and a rebinding name all meet the same check. Redirects are
followed by hand, each hop checked again; https never falls back to http.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from pipelines.web.fetch.addresses import PUBLIC, classify


class Denied(OSError):
    """A forbidden address: `args[1]` says which kind."""

    def __init__(self, what: str):
        super().__init__(errno.EACCES, f"address denied: {what}")


@dataclass(frozen=True)
class Bounds:
    max_bytes: int = 20 << 20
    total_s: float = 30.0
    connect_s: float = 10.0
    max_redirects: int = 5
    max_header_bytes: int = 64 << 10
    min_bytes_per_s: float = 1_000.0
    rate_grace_s: float = 5.0
    ports: tuple[int, ...] = (80, 443)


class Answer(NamedTuple):
    """What came back, in words. `body` is empty unless status is "success" (any 2xx)."""

    status: str
    http_status: int
    final_url: str
    redirects: int
    address_class: str
    content_type: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    retry_after_s: float
    detail: str


class Transport(Protocol):
    async def get(self, url: str, bounds: Bounds, stop_on: Any = None) -> Answer: ...

    async def close(self) -> None: ...


class HttpTransport:
    """aiohttp, with the socket under our control. `resolve` maps host names to loopback addresses, for tests only."""

    def __init__(self, agent: str, bounds: Bounds, connections: int = 512, resolve: Mapping[str, str] | None = None, proxy: str = ""):
        self.agent, self.bounds, self.proxy = agent, bounds, proxy or None
        self.resolve = dict(resolve or {})
        connector = aiohttp.TCPConnector(
            limit=connections, ttl_dns_cache=300, resolver=_Resolver(self.resolve), socket_factory=self._socket, happy_eyeballs_delay=None
        )
        self.session = aiohttp.ClientSession(
            connector=connector, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=bounds.max_header_bytes // 8, max_field_size=bounds.max_header_bytes // 8,
            headers={"User-Agent": agent, "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif,*/*;q=0.5", "Accept-Encoding": "identity"},
        )  # fmt: skip

    def _socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        host = address[0]
        allowed = self.resolve or self.proxy  # a declared proxy is the operator's; a test map only ever points to loopback
        if not allowed and (found := classify(host)) != PUBLIC:
            raise Denied(found)
        if self.resolve and classify(host) != "loopback":
            raise Denied("the test resolver may only point to loopback")
        s = socket.socket(family, kind, protocol)
        s.setblocking(False)
        return s

    async def get(self, url: str, bounds: Bounds | None = None, stop_on: Any = None) -> Answer:
        """Fetch `url`. Never raises for anything a server can do. `stop_on(headers)` may return a status in words to end the
        request before its body."""
        b = bounds or self.bounds
        hops, here = 0, url
        try:
            async with asyncio.timeout(b.total_s):
                while True:
                    if refused := self._refused(here, b):
                        return _failed(refused, here, hops, "denied")
                    async with self.session.get(here, allow_redirects=False, proxy=self.proxy, timeout=aiohttp.ClientTimeout(sock_connect=b.connect_s)) as r:
                        headers = tuple((k, v) for k, v in r.headers.items())
                        if r.status in (301, 302, 303, 307, 308) and "Location" in r.headers:
                            hops += 1
                            if hops > b.max_redirects:
                                return _failed("too many redirects", here, hops)
                            target = urljoin(here, r.headers["Location"])
                            if here.startswith("https:") and not target.startswith("https:"):
                                return _failed("redirect from https to http", target, hops)
                            here = target
                            continue
                        kind = r.headers.get("Content-Type", "")[:200]
                        seen = Answer("", r.status, here, hops, PUBLIC, kind, headers, b"", _retry_after(r.headers.get("Retry-After", "")), "")
                        if not 200 <= r.status < 300:
                            return seen._replace(status=f"http {r.status}")
                        if stop_on is not None and (why := stop_on(headers)):
                            return seen._replace(status=why)
                        if (n := r.headers.get("Content-Length", "")).isdigit() and int(n) > b.max_bytes:
                            return seen._replace(status="too large", detail=f"Content-Length {n}")
                        if r.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
                            return await _encoded(r, seen, b)
                        body, problem = await _read(r, b)
                        if problem:
                            return seen._replace(status=problem)
                        return seen._replace(status="success" if body else "empty", body=body)
        except TimeoutError:
            return _failed("timeout", here, hops)
        except Exception as e:  # noqa: BLE001  whatever a server can provoke is a status, not a crash
            words = _in_words(e)
            return _failed(words, here, hops, words.removeprefix("address denied: ") if words.startswith("address denied") else "", str(e)[:200])

    def _refused(self, url: str, b: Bounds) -> str:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "bad url"
        if parts.scheme not in ("http", "https"):
            return f"scheme denied: {parts.scheme[:20] or 'none'}"
        if not parts.hostname:
            return "bad url"
        if port is not None and port not in b.ports:
            return f"port denied: {port}"
        return ""

    async def close(self) -> None:
        await self.session.close()


class _Resolver(AbstractResolver):
    """The system's resolver, or the test map (host or "*" -> "127.0.0.1:port")."""

    def __init__(self, mapping: Mapping[str, str]):
        self.mapping = mapping
        self.inner = None if mapping else aiohttp.ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        if self.inner is not None:
            return await self.inner.resolve(host, port, family)
        target = self.mapping.get(host) or self.mapping.get("*")
        if target is None:
            raise OSError(None, "dns failure: not in the test map")
        ip, _, to = target.rpartition(":")
        return [ResolveResult(hostname=host, host=ip, port=int(to), family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        if self.inner is not None:
            await self.inner.close()


async def _read(r: aiohttp.ClientResponse, b: Bounds) -> tuple[bytes, str]:
    began, out, size = time.monotonic(), [], 0
    async for chunk in r.content.iter_chunked(1 << 16):
        out.append(chunk)
        size += len(chunk)
        if size > b.max_bytes:
            return b"", "too large"
        passed = time.monotonic() - began
        if passed > b.rate_grace_s and size / passed < b.min_bytes_per_s:
            return b"", "too slow"
    return b"".join(out), ""


async def _encoded(r: aiohttp.ClientResponse, seen: Answer, b: Bounds) -> Answer:
    """A body compressed although we asked for none: inflated within the same bound, or refused."""
    import zlib

    coding = r.headers["Content-Encoding"].strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate"):
        return seen._replace(status=f"encoding denied: {coding[:20]}")
    body, problem = await _read(r, b)
    if problem:
        return seen._replace(status=problem)
    inflate = zlib.decompressobj(47 if coding != "deflate" else 15)
    try:
        out = inflate.decompress(body, b.max_bytes + 1)
    except zlib.error as e:
        return seen._replace(status="bad encoding", detail=str(e)[:200])
    if len(out) > b.max_bytes:
        return seen._replace(status="too large", detail="after decompression")
    return seen._replace(status="success" if out else "empty", body=out)


def _failed(status: str, url: str, hops: int, address: str = "", detail: str = "") -> Answer:
    return Answer(status, 0, url, hops, address, "", (), b"", 0.0, detail)


def _retry_after(value: str) -> float:
    if value.strip().isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else 0.0
    except (ValueError, TypeError):
        return 0.0


def _in_words(e: BaseException) -> str:
    cause: BaseException | None = e
    while cause is not None:
        if isinstance(cause, (ssl.SSLError, ssl.CertificateError)):
            return "tls failure"
        if isinstance(cause, (aiohttp.ClientConnectorDNSError, socket.gaierror)) or "dns failure" in str(cause):
            return "dns failure"
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, (ConnectionResetError, aiohttp.ServerDisconnectedError)):
            return "connection reset"
        if isinstance(cause, TimeoutError):
            return "timeout"
        if isinstance(cause, Denied):
            return str(cause.args[1])
        if isinstance(cause, aiohttp.ClientConnectorError) and isinstance(cause.os_error, Denied):
            return str(cause.os_error.args[1])
        cause = cause.__cause__ or cause.__context__
    if isinstance(e, aiohttp.InvalidURL | ValueError):
        return "bad url"
    if isinstance(e, aiohttp.ClientPayloadError):
        return "truncated body"
    if isinstance(e, aiohttp.ClientResponseError):
        return "bad response"
    return f"failed: {type(e).__name__}"
