"""How politely a worker fetches, and what it carries from lane to lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.web.fetch.answer import Answer

if TYPE_CHECKING:
    from pipelines.web.fetch.hot import Board
    from pipelines.web.fetch.turns import Turns


@dataclass(frozen=True)
class Policy:
    """How politely. Times in seconds; the settings of [fetch] say the same at greater length."""

    agent: str
    robots: bool = True
    tokens: frozenset[str] = frozenset()
    connections: int = 2
    delay_s: float = 1.0
    crawl_delay_cap_s: float = 30.0
    retries: int = 2
    backoff_s: float = 1.0
    backoff_cap_s: float = 60.0
    concurrency: int = 512
    deadline_s: float = 3600.0
    blocked: Callable[[str], str] = lambda url: ""  # a supplied list's name if it holds the URL
    share: Callable[[str], int] = lambda host: 1  # how many workers may be asking this host at once; each takes that part of its pace
    elsewhere: Callable[[str], bool] = lambda host: False  # another worker may be asking this host: URLs that lead there are handed on
    turns: Callable[[str], Turns | None] = lambda host: None  # of a hot host that is split into lanes: this worker's lane
    board: Board | None = None  # where the lanes of a hot host leave each other notes
    known: Callable[[str], tuple[Answer, float] | None] = lambda url: None  # a host's own file that has been asked for already, and when
    heard: Callable[[str, Answer], None] = lambda url, answer: None  # told of a host's own file


@dataclass(slots=True)
class Item:
    """One URL on its way."""

    image_id: str
    url: str
    host: str
    here: str  # after redirects
    hops: int = 0
    attempts: int = 0
    spent: float = 0.0  # seconds of requests, of this attempt's hops
    seconds: float = 0.0  # of all
    wait: float = 0.0
