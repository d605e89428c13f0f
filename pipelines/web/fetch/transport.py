"""One request at a time, bounded in every direction, over connections and a parser under our control.

Redirects are followed by hand, each hop checked as if it were the first; https never falls back to http.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from pipelines.web.fetch.answer import REDIRECT, Answer, Bounds, StopOn, in_words, words
from pipelines.web.fetch.dial import Dialler, Site, refusal, site_of
from pipelines.web.fetch.pool import Pool
from pipelines.web.fetch.reply import Reply
from pipelines.web.fetch.resolve import Resolver, SystemResolver, TestMap

ACCEPT = "image/avif,image/webp,image/png,image/jpeg,image/gif,*/*;q=0.5"
_UNSAFE = re.compile(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%\[\]]")
_PARTS = re.compile(r"[^:/?#]+://[^/?#]*([^#]*)")


class HttpTransport:
    """Made inside a running event loop. `per_host`: connections to one host (0 = any). `resolve` maps host names to loopback
    addresses, for tests only; `proxy`: http://host:port, through which everything goes."""

    def __init__(
        self, agent: str, bounds: Bounds, resolve: Mapping[str, str] | None = None, proxy: str = "", resolver: Resolver | None = None,
        per_host: int = 0,
    ):  # fmt: skip
        self.bounds = bounds
        played = dict(resolve or {})
        chosen = resolver or (TestMap(played) if played else SystemResolver())
        self.pool = Pool(Dialler(played, bool(proxy)), chosen, per_host, proxy)
        said = f"User-Agent: {_one_line(agent)}\r\nAccept: {ACCEPT}\r\nAccept-Encoding: identity\r\n"
        self._fixed, self._secret = f"{said}\r\n", self.pool.proxy.authorization if self.pool.proxy else ""

    async def get(
        self, url: str, bounds: Bounds | None = None, stop_on: StopOn | None = None, follow: bool = True,
        before_hop: Callable[[str], Awaitable[str]] | None = None, sent: Callable[[], None] | None = None, fresh: bool = False,
        clear: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:  # fmt: skip
        """Fetch `url`. Never raises for anything a server can do. `stop_on(headers)` may return a status in words to end the
        request before its body. `follow=False`: a redirect is the answer (status REDIRECT); else `before_hop(url)` is awaited
        before each, and may return a status in words to end there. `clear()` is awaited when there is a connection and the request could go out; `sent()` is called when a request has gone out, once for each hop. Status STALE: a kept connection turned out to
        be closed, and nothing has been asked; with `fresh` only new connections are used."""
        b = bounds or self.bounds
        deadline = self.pool.loop.time() + b.total_s
        hops, here = 0, url
        try:
            while True:
                if refused := self.refused(here, b):
                    return words(refused, here, hops)
                answer = await self._hop(here, b, stop_on, sent, deadline, fresh, clear)
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
                    async with asyncio.timeout_at(deadline):
                        why = await before_hop(here)
                    if why:
                        return words(why, here, hops)
        except Exception as e:  # noqa: BLE001  whatever a server can provoke is a status, not a crash
            return words(in_words(e), here, hops, str(e)[:200])

    async def _hop(
        self, here: str, b: Bounds, stop_on: StopOn | None, sent: Callable[[], None] | None, deadline: float, fresh: bool,
        clear: Callable[[], Awaitable[None]] | None,
    ) -> Answer:  # fmt: skip
        pool, site = self.pool, site_of(here)
        connection = None if fresh else pool.idle(site)
        if connection is None:
            async with asyncio.timeout_at(deadline):
                connection = await pool.open(site, b.connect_s, fresh)
        if clear is not None:
            came = pool.loop.time()
            try:
                await clear()
            except BaseException:
                connection.abort()
                raise
            deadline += pool.loop.time() - came
        reply = Reply(here, b, stop_on, deadline, pool.loop, connection.idle_since > 0)
        connection.ask(self._request(here, site), reply)
        if sent is not None:
            sent()
        pool.live.add(reply)
        try:
            return await reply.future
        finally:
            pool.live.discard(reply)
            pool.give(connection)

    def _request(self, url: str, site: Site) -> bytes:
        through = self.pool.proxy is not None and site.scheme == "http"
        target = f"http://{site.authority}{target_of(url)}" if through else target_of(url)
        return f"GET {target} HTTP/1.1\r\nHost: {_authority(site)}\r\n{self._secret if through else ''}{self._fixed}".encode("ascii")

    def refused(self, url: str, b: Bounds) -> str:
        """Why a URL will not be asked for, seen from the URL alone; "" if nothing speaks against it."""
        return refusal(url, b.ports)

    async def close(self) -> None:
        self.pool.close()


def target_of(url: str) -> str:
    """Path and query as they go over the wire: nothing in it can end the line."""
    m = _PARTS.match(url)
    rest = m[1] if m else ""
    if not rest.startswith("/"):
        rest = f"/{rest}"
    return _UNSAFE.sub(_escaped, rest)


def _escaped(m: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in m[0].encode("utf-8", "surrogateescape"))


@lru_cache(maxsize=65536)
def _authority(site: Site) -> str:
    return site.authority


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.isascii():
        raise ValueError(f"fetch.agent = {text!r}: an agent string is printable ASCII on one line")
    return text
