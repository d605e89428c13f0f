"""What may be asked of a server, and what came back: in words."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from socket import gaierror
from typing import NamedTuple, Protocol

from pipelines.web.fetch.dial import Denied

STALE = "connection stale"  # a kept connection that the server had closed: nobody has been asked
MOVED = "moved"  # leads to a host that another worker may be asking (moved.py); `detail` names the host
REDIRECT = "redirect"  # the status of an answer that says where else to ask: `final_url`
PASSING = (
    "timeout", "connection reset", "connection refused", "dns failure", "truncated body", "too slow", "deadline", "http 429", "http 5",
    "robots.txt unreachable", "host unresponsive", "host busy", "host unreachable",
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
        before_hop: Callable[[str], Awaitable[str]] | None = None, sent: Callable[[], None] | None = None, fresh: bool = False,
        clear: Callable[[], Awaitable[None]] | None = None,
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
    if isinstance(e, Denied):
        return str(e.args[1])
    for kind, status in _WORDS:
        if isinstance(e, kind):
            return status
    if isinstance(e, OSError):
        return "dns failure" if "dns failure" in str(e) else "host unreachable" if e.errno in _NO_WAY else f"failed: {type(e).__name__}"
    return f"failed: {type(e).__name__}"


_NO_WAY = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL)
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLError, "tls failure"), (ssl.CertificateError, "tls failure"), (gaierror, "dns failure"), (UnicodeError, "bad url"),
    (ConnectionRefusedError, "connection refused"), (ConnectionError, "connection reset"), (TimeoutError, "timeout"), (ValueError, "bad url"),
)  # fmt: skip
