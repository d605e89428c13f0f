"""One request at a time, bounded in every direction, over aiohttp with the sockets under our control.

Redirects are followed by hand, each hop checked as if it were the first; https never falls back to http.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver

from pipelines.web.fetch import body
from pipelines.web.fetch.addresses import PUBLIC
from pipelines.web.fetch.answer import REDIRECT, Answer, Bounds, StopOn, in_words, words
from pipelines.web.fetch.dial import LITERAL, Dialler, Resolver, refusal, site_of

ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/gif,*/*;q=0.5"
_SENT: ContextVar[Callable[[], None] | None] = ContextVar("sent", default=None)  # told when a request has gone out


class HttpTransport:
    """`connections` in all, `per_host` to one host (0 = any). `resolve` maps host names to loopback addresses, for tests only."""

    def __init__(
        self, agent: str, bounds: Bounds, connections: int = 512, resolve: Mapping[str, str] | None = None, proxy: str = "",
        resolver: AbstractResolver | None = None, per_host: int = 0,
    ):  # fmt: skip
        self.bounds, self.proxy = bounds, proxy or None
        played = dict(resolve or {})
        connector = aiohttp.TCPConnector(
            limit=connections, limit_per_host=per_host, ttl_dns_cache=300, resolver=resolver or Resolver(played),
            socket_factory=Dialler(played, bool(proxy)), happy_eyeballs_delay=None, keepalive_timeout=15,
        )  # fmt: skip
        self.session = aiohttp.ClientSession(
            connector=connector, trust_env=False, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=bounds.max_header_bytes // 8, max_field_size=bounds.max_header_bytes // 8,
            request_class=_Request, headers={"User-Agent": agent, "Accept": ACCEPT, "Accept-Encoding": "identity"},
        )  # fmt: skip

    async def get(
        self, url: str, bounds: Bounds | None = None, stop_on: StopOn | None = None, follow: bool = True,
        before_hop: Callable[[str], Awaitable[None]] | None = None, sent: Callable[[], None] | None = None,
    ) -> Answer:  # fmt: skip
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
                        return words(refused, here, hops)
                    answer = await self._hop(here, b, stop_on)
                    if answer.status != REDIRECT:
                        return answer._replace(redirects=hops) if hops else answer
                    hops += 1
                    if hops > b.max_redirects:
                        return words("too many redirects", here, hops)
                    if here.startswith("https:") and answer.final_url.startswith("http:"):
                        return words("redirect from https to http", answer.final_url, hops)
                    if not follow:
                        return answer._replace(redirects=hops)
                    here = answer.final_url
                    if before_hop is not None:
                        await before_hop(here)
        except TimeoutError:
            return words("timeout", here, hops)
        except Exception as e:  # noqa: BLE001  whatever a server can provoke is a status, not a crash
            return words(in_words(e), here, hops, str(e)[:200])

    async def _hop(self, here: str, b: Bounds, stop_on: StopOn | None) -> Answer:
        async with self.session.get(here, allow_redirects=False, proxy=self.proxy, timeout=_timeout(b.connect_s)) as r:
            given = r.headers
            headers = tuple(given.items())
            if r.status in (301, 302, 303, 307, 308) and "Location" in given:
                return Answer(REDIRECT, r.status, urljoin(here, given["Location"]), 0, PUBLIC, "", headers, b"", 0.0, "")
            after = _retry_after(given["Retry-After"]) if "Retry-After" in given else 0.0
            seen = Answer("success", r.status, here, 0, PUBLIC, given.get("Content-Type", "")[:200], headers, b"", after, "")
            if not 200 <= r.status < 300:
                return seen._replace(status=f"http {r.status}")
            if stop_on is not None and (why := stop_on(headers)):
                return seen._replace(status=why)
            if not b.keep_cut and (n := given.get("Content-Length", "")).isdecimal() and int(n) > b.max_bytes:
                return seen._replace(status="too large", detail=f"Content-Length {n[:20]}")
            coding = given.get("Content-Encoding", "identity").strip().lower()
            data, problem = await body.read(r, b)
            if problem:
                return seen._replace(status=problem)
            if coding not in ("", "identity") and data:
                return body.inflated(data, coding, seen, b)
            return seen._replace(body=data) if data else seen._replace(status="empty")

    def refused(self, url: str, b: Bounds) -> str:
        """Why a URL will not be asked for, seen from the URL alone; "" if nothing speaks against it."""
        LITERAL.set(bool(site_of(url).literal))
        return refusal(url, b.ports)

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


def _retry_after(value: str) -> float:
    try:
        if value.strip().isdecimal():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else 0.0
    except (ValueError, TypeError):
        return 0.0
