"""One request at a time, bounded in every direction. The address is checked on the socket about to be dialled.

So a name that resolves to loopback, a literal address, a redirect and a rebinding name all meet the same check. Redirects are
followed by hand, each hop checked again; https never falls back to http.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
import ssl
import time
import unicodedata
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from tempfile import TemporaryFile
from typing import IO, Any, NamedTuple, Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from pipelines.web.fetch.addresses import PUBLIC, classify
from pipelines.web.http import HttpError, decompress

_LITERAL: ContextVar[bool] = ContextVar("literal", default=False)  # the URL being asked names an address, not a host
_SENT: ContextVar[Callable[[], None] | None] = ContextVar("sent", default=None)  # told when a request has gone out


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
    keep_cut: bool = False  # a body longer than max_bytes is cut there and taken (robots.txt), not refused


ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/gif,*/*;q=0.5"
REDIRECT = "redirect"  # the status of an answer that says where else to ask: `final_url`
IN_MEMORY = 1 << 20  # bytes of a body held in memory while it arrives; longer ones lie in a temporary file until they are whole


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
    async def get(
        self, url: str, bounds: Bounds, stop_on: Any = None, follow: bool = True, before_hop: Any = None, sent: Any = None
    ) -> Answer: ...

    def refused(self, url: str, b: Bounds) -> str: ...

    async def close(self) -> None: ...


class HttpTransport:
    """aiohttp, with the socket under our control. `resolve` maps host names to loopback addresses, for tests only."""

    def __init__(
        self, agent: str, bounds: Bounds, connections: int = 512, resolve: Mapping[str, str] | None = None, proxy: str = "",
        resolver: AbstractResolver | None = None, per_host: int = 0,
    ):  # fmt: skip
        self.agent, self.bounds, self.proxy = agent, bounds, proxy or None
        self.resolve = dict(resolve or {})
        self.targets = {_target(t) for t in self.resolve.values()}
        connector = aiohttp.TCPConnector(  # fmt: skip
            limit=connections, limit_per_host=per_host, ttl_dns_cache=300, resolver=resolver or _Resolver(self.resolve),
            socket_factory=self._socket, happy_eyeballs_delay=None, keepalive_timeout=15,
        )
        self.session = aiohttp.ClientSession(
            connector=connector, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=bounds.max_header_bytes // 8, max_field_size=bounds.max_header_bytes // 8,
            request_class=_Request, headers={"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": "identity"},
        )  # fmt: skip

    def _socket(self, info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        played = (address[0], address[1]) in self.targets and not _LITERAL.get()  # the test map plays a public name
        if not played and not self.proxy and (found := classify(address[0])) != PUBLIC:  # a declared proxy is the operator's
            raise Denied(found)
        s = socket.socket(family, kind, protocol)
        s.setblocking(False)
        return s

    async def get(
        self, url: str, bounds: Bounds | None = None, stop_on: Any = None, follow: bool = True, before_hop: Any = None, sent: Any = None
    ) -> Answer:
        """Fetch `url`. Never raises for anything a server can do. `stop_on(headers)` may return a status in words to end the
        request before its body. `follow=False`: a redirect is the answer (status REDIRECT); else `before_hop(url)` is awaited
        before each. `sent()` is called when a request has gone out, once for each hop."""
        b = bounds or self.bounds
        _SENT.set(sent)
        hops, here = 0, url
        try:
            async with asyncio.timeout(b.total_s):
                while True:
                    if refused := self.refused(here, b):
                        return _failed(refused, here, hops, refused.removeprefix("address denied: ") if "address" in refused else "")
                    answer = await self._hop(here, b, stop_on)
                    if answer.status != REDIRECT:
                        return answer._replace(redirects=hops)
                    hops += 1
                    if hops > b.max_redirects:
                        return _failed("too many redirects", here, hops)
                    if here.startswith("https:") and answer.final_url.startswith("http:"):
                        return _failed("redirect from https to http", answer.final_url, hops)
                    if not follow:
                        return answer._replace(redirects=hops)
                    here = answer.final_url
                    if before_hop is not None:
                        await before_hop(here)
        except TimeoutError:
            return _failed("timeout", here, hops)
        except Exception as e:  # noqa: BLE001  whatever a server can provoke is a status, not a crash
            status = in_words(e)
            kind = status.removeprefix("address denied: ") if status.startswith("address denied") else ""
            return _failed(status, here, hops, kind, str(e)[:200])

    async def _hop(self, here: str, b: Bounds, stop_on: Any) -> Answer:
        async with self.session.get(here, allow_redirects=False, proxy=self.proxy, timeout=_timeout(b.connect_s)) as r:
            headers = tuple(r.headers.items())
            if r.status in (301, 302, 303, 307, 308) and "Location" in r.headers:
                return Answer(REDIRECT, r.status, urljoin(here, r.headers["Location"]), 0, PUBLIC, "", headers, b"", 0.0, "")
            kind = r.headers.get("Content-Type", "")[:200]
            seen = Answer("", r.status, here, 0, PUBLIC, kind, headers, b"", _retry_after(r.headers.get("Retry-After", "")), "")
            if not 200 <= r.status < 300:
                return seen._replace(status=f"http {r.status}")
            if stop_on is not None and (why := stop_on(headers)):
                return seen._replace(status=why)
            if not b.keep_cut and (n := r.headers.get("Content-Length", "")).isdigit() and int(n) > b.max_bytes:
                return seen._replace(status="too large", detail=f"Content-Length {n[:20]}")
            coding = r.headers.get("Content-Encoding", "identity").strip().lower()
            body, problem = await _read(r, b)
            if problem:
                return seen._replace(status=problem)
            if coding not in ("", "identity") and body:
                return _decoded(body, coding, seen, b)
            return seen._replace(status="success" if body else "empty", body=body)

    def refused(self, url: str, b: Bounds) -> str:
        """Why a URL will not be asked for, seen from the URL alone; "" if nothing speaks against it."""
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
        literal = _literal(parts.hostname)
        _LITERAL.set(bool(literal))
        if literal and (found := classify(literal)) != PUBLIC:  # the socket is checked too; through a proxy this is the only look
            return f"address denied: {found}"
        return ""

    async def close(self) -> None:
        await self.session.close()


class _Request(aiohttp.ClientRequest):
    """Says when it has been handed to the connection."""

    async def send(self, conn: Any) -> aiohttp.ClientResponse:
        response = await super().send(conn)
        if (sent := _SENT.get()) is not None:
            sent()
        return response


@lru_cache(maxsize=16)
def _timeout(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect_s)


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
        ip, to = _target(target)
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        return [ResolveResult(hostname=host, host=ip, port=to, family=family, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        if self.inner is not None:
            await self.inner.close()


async def _read(r: aiohttp.ClientResponse, b: Bounds) -> tuple[bytes, str]:
    """The body, within size and above the least rate. What is long waits on disk: thousands of bodies may be arriving at once."""
    began, size = time.monotonic(), 0
    parts: list[bytes] = []
    disk: IO[bytes] | None = None
    try:
        async for chunk in r.content.iter_any():
            size += len(chunk)
            if size > b.max_bytes:
                if not b.keep_cut:
                    return b"", "too large"
                chunk = chunk[: b.max_bytes - size]
            if disk is None and size > IN_MEMORY:
                disk = TemporaryFile()
                disk.writelines(parts)
                parts = []
            (parts.append if disk is None else disk.write)(chunk)
            if size > b.max_bytes:
                break
            passed = time.monotonic() - began
            if passed > b.rate_grace_s and size / passed < b.min_bytes_per_s:
                return b"", "too slow"
        if disk is None:
            return b"".join(parts), ""
        disk.seek(0)
        return disk.read(), ""
    finally:
        if disk is not None:
            disk.close()


def _decoded(body: bytes, coding: str, seen: Answer, b: Bounds) -> Answer:
    """A body compressed although we asked for none: inflated within the same bound and a ratio, or refused."""
    try:
        out, partial = decompress(body, coding, b.max_bytes)
    except HttpError as e:
        status = {"too_large": "too large", "expansion": "too large"}.get(e.kind, "bad encoding")
        return seen._replace(status=status, detail=f"after decompression: {e}"[:200])
    if partial:
        return seen._replace(status="truncated body", detail=f"{coding[:20]} ends early")
    return seen._replace(status="success" if out else "empty", body=out)


def _failed(status: str, url: str, hops: int, address: str = "", detail: str = "") -> Answer:
    return Answer(status, 0, url, hops, address, "", (), b"", 0.0, detail)


def _target(target: str) -> tuple[str, int]:
    ip, _, port = target.rpartition(":")
    return ip.strip("[]"), int(port)


def _literal(host: str) -> str:
    """The address a host stands for if it is one in any notation that the C library takes (127.1, 0x7f.1, 2130706433, fullwidth
    digits); "" if it is a name."""
    if host.isascii() and ":" not in host and host.rstrip(".").rpartition(".")[2][:1].isalpha():
        return ""  # a name: no notation of an address has a last part that begins with a letter
    try:
        return str(ipaddress.ip_address(host.split("%", 1)[0]))
    except ValueError:
        plain = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".")
    if not plain or not plain[-1].isalnum() or plain.rsplit(".", 1)[-1][:1] not in set("0123456789"):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(plain))
    except (OSError, UnicodeError):
        return ""


def _retry_after(value: str) -> float:
    if value.strip().isdigit():
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else 0.0
    except (ValueError, TypeError):
        return 0.0


def in_words(e: BaseException) -> str:
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
