"""robots.txt of one host, asked for once: what may be fetched, and how fast (RFC 9309)."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from protego import Protego

from pipelines.web.fetch.answer import Answer, Bounds

REFUSED = ("address denied", "port denied", "scheme denied", "bad url")  # by us, before anything was sent
MAX_BYTES = 500 << 10  # RFC 9309, 2.5: parsers must read at least 500 KiB


class Robots:
    """The rules of one origin for one agent."""

    def __init__(self, parser: Protego | None, unreachable: str, agent: str, sha256: str = ""):
        self.parser, self.unreachable, self.agent, self.sha256 = parser, unreachable, agent, sha256

    def refusal(self, url: str) -> str:
        """ "" if the URL may be fetched, else a status in words."""
        if self.unreachable:
            return f"robots.txt unreachable: {self.unreachable}"
        if self.parser is not None and not self.parser.can_fetch(url, self.agent):
            return "robots.txt disallows"
        return ""

    @property
    def delay_s(self) -> float:
        return float(self.parser.crawl_delay(self.agent) or 0.0) if self.parser is not None else 0.0


async def robots_of(url: str, get: Callable[[str, Bounds], Awaitable[Answer]], agent: str, bounds: Bounds) -> Robots:
    """Ask `get` for the robots.txt that governs `url` and read it. 4xx means none; anything else but 2xx means keep out (2.3.1).
    A file longer than 500 KiB is read as far as that. A refusal of ours (address, port) leaves the URL itself to be refused."""
    parts = urlsplit(url)
    answer = await get(f"{parts.scheme}://{parts.netloc}/robots.txt", replace(bounds, max_bytes=MAX_BYTES, keep_cut=True))
    name = agent.split("/", 1)[0]
    if answer.status in ("success", "empty"):
        return Robots(_parse(answer.body), "", name, hashlib.sha256(answer.body).hexdigest())
    if 400 <= answer.http_status < 500 and answer.http_status != 429:
        return Robots(None, "", name)
    if answer.status.startswith(REFUSED):
        return Robots(None, "", name)
    return Robots(None, answer.status, name)


def _parse(body: bytes) -> Protego | None:
    return Protego.parse(body.decode("utf-8-sig", "replace"))
