"""What may be asked of a server, and what came back: in words."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from socket import gaierror
from typing import NamedTuple, Protocol

import aiohttp

from pipelines.web.fetch.dial import Denied

REDIRECT = "redirect"  # the status of an answer that says where else to ask: `final_url`
PASSING = (
    "timeout", "connection reset", "connection refused", "dns failure", "truncated body", "too slow", "deadline", "http 429", "http 5",
    "robots.txt unreachable", "host unresponsive", "host busy",
)  # fmt: skip
HANGING = ("timeout", "too slow")


@dataclass(frozen=True)
class Bounds:
    """What one request may take. Sizes in bytes, times in seconds."""

    max_bytes: int = 20 << 20
    total_s: float = 30.0
    connect_s: float = 10.0
    max_redirects: int = 5
    max_header_bytes: int = 64 << 10
    min_bytes_per_s: float = 1_000.0
    rate_grace_s: float = 5.0
    ports: tuple[int, ...] = (80, 443)
    keep_cut: bool = False  # a body longer than max_bytes is cut there and taken (robots.txt), not refused


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


StopOn = Callable[[Iterable[tuple[str, str]]], str]


class Transport(Protocol):
    """What the engine asks through. Another one may take the place of `HttpTransport`."""

    async def get(
        self, url: str, bounds: Bounds, stop_on: StopOn | None = None, follow: bool = True,
        before_hop: Callable[[str], Awaitable[None]] | None = None, sent: Callable[[], None] | None = None,
    ) -> Answer: ...  # fmt: skip

    def refused(self, url: str, b: Bounds) -> str: ...

    async def close(self) -> None: ...


def words(status: str, url: str, redirects: int = 0, detail: str = "") -> Answer:
    """An answer that no server gave. The class of a denied address is in the status."""
    denied = status.removeprefix("address denied: ") if status.startswith("address denied") else ""
    return Answer(status, 0, url, redirects, denied, "", (), b"", 0.0, detail)


def is_passing(status: str) -> bool:
    """Whether asking again later may help."""
    return status.startswith(PASSING)


def in_words(e: BaseException) -> str:
    """The status that an exception of the transport stands for."""
    cause: BaseException | None = e
    while cause is not None:
        if isinstance(cause, (ssl.SSLError, ssl.CertificateError)):
            return "tls failure"
        if isinstance(cause, (aiohttp.ClientConnectorDNSError, gaierror)) or "dns failure" in str(cause):
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
