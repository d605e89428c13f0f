"""robots.txt of one host, asked for once: what may be fetched, and how fast (RFC 9309)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from protego import Protego

from pipelines.web.fetch.transport import Bounds, Transport

MAX_BYTES = 500 << 10  # RFC 9309, 2.5: parsers must read at least 500 KiB


class Robots:
    """The rules of one origin for one agent."""

    def __init__(self, parser: Protego | None, unreachable: str, agent: str):
        self.parser, self.unreachable, self.agent = parser, unreachable, agent

    def refusal(self, url: str) -> str:
        """"" if the URL may be fetched, else a status in words."""
        if self.unreachable:
            return f"robots.txt unreachable: {self.unreachable}"
        if self.parser is not None and not self.parser.can_fetch(url, self.agent):
            return "robots.txt disallows"
        return ""

    @property
    def delay_s(self) -> float:
        return float(self.parser.crawl_delay(self.agent) or 0.0) if self.parser is not None else 0.0


async def robots_of(url: str, transport: Transport, agent: str, bounds: Bounds) -> Robots:
    """Fetch and read the robots.txt that governs `url`. 4xx means none; anything else but 2xx means keep out (2.3.1)."""
    parts = urlsplit(url)
    answer = await transport.get(f"{parts.scheme}://{parts.netloc}/robots.txt", replace(bounds, max_bytes=MAX_BYTES))
    name = agent.split("/", 1)[0]
    if answer.status in ("success", "empty"):
        return Robots(Protego.parse(answer.body.decode("utf-8", "replace")), "", name)
    if 400 <= answer.http_status < 500 and answer.http_status != 429:
        return Robots(None, "", name)
    if answer.status == "too large":
        return Robots(None, "too large", name)
    return Robots(None, answer.status, name)
