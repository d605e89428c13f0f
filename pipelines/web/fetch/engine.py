"""Fetch many URLs of many hosts at once: each host at its own polite pace, none waiting for another."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.web.fetch.robots import robots_of
from pipelines.web.fetch.tdmrep import TOKEN, TdmFile, tdm_file_of
from pipelines.web.fetch.transport import Answer, Bounds, Transport
from pipelines.web.optout import acting, image_signals

PASSING = ("timeout", "connection reset", "connection refused", "dns failure", "truncated body", "too slow", "deadline", "http 429", "http 5", "robots.txt unreachable")  # fmt: skip


@dataclass(frozen=True)
class Policy:
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


@dataclass
class Result:
    image_id: str
    url: str
    host: str
    answer: Answer
    attempts: int
    seconds: float


def is_passing(status: str) -> bool:
    """Whether asking again later may help."""
    return status.startswith(PASSING)


async def fetch_all(urls: Iterable[tuple[str, str]], transport: Transport, bounds: Bounds, policy: Policy, done: Callable[[Result], None]) -> None:
    """Fetch every (image_id, url); `done` hears of each exactly once. Ends by `policy.deadline_s`: what is left by then has the
    status `deadline`."""
    hosts: dict[str, list[tuple[str, str]]] = {}
    for image_id, url in urls:
        hosts.setdefault(_origin(url), []).append((image_id, url))
    gate = asyncio.Semaphore(policy.concurrency)
    lanes = [_Lane(origin, work, transport, bounds, policy, gate, done) for origin, work in hosts.items()]
    tasks = [asyncio.create_task(lane.run()) for lane in lanes]
    try:
        await asyncio.wait_for(asyncio.gather(*tasks), policy.deadline_s)
    except TimeoutError:
        for lane in lanes:
            lane.give_up()
    finally:
        for t in tasks:
            t.cancel()


class _Lane:
    """One origin: its robots.txt, its pace, its queue."""

    def __init__(self, origin: str, work: list[tuple[str, str]], transport: Transport, bounds: Bounds, policy: Policy, gate: asyncio.Semaphore, done: Callable[[Result], None]):  # fmt: skip
        self.origin, self.left = origin, dict(work)
        self.transport, self.bounds, self.policy, self.gate, self.done = transport, bounds, policy, gate, done
        self.delay = policy.delay_s
        self.next_start = 0.0

    async def run(self) -> None:
        robots = None
        if self.policy.robots and self.origin:
            async with self.gate:
                robots = await robots_of(next(iter(self.left.values())), self.transport, self.policy.agent, self.bounds)
            self.delay = max(self.delay, min(robots.delay_s, self.policy.crawl_delay_cap_s))
            self.next_start = time.monotonic() + self.delay
        reserved = TdmFile()
        if self.origin and TOKEN in self.policy.tokens:
            await self._turn()
            async with self.gate:
                reserved = await tdm_file_of(next(iter(self.left.values())), self.transport, self.bounds)
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        for item in list(self.left.items()):
            refusal = self.policy.blocked(item[1]) or (robots.refusal(item[1]) if robots else "") or reserved.refusal(item[1])
            if refusal:
                self._finish(*item, _words(refusal, item[1]), 0, 0.0)
            else:
                queue.put_nowait(item)
        workers = min(self.policy.connections, queue.qsize())
        await asyncio.gather(*(self._work(queue) for _ in range(workers)))

    async def _work(self, queue: asyncio.Queue[tuple[str, str]]) -> None:
        while not queue.empty():
            image_id, url = queue.get_nowait()
            began = time.monotonic()
            answer, attempts = await self._attempts(url)
            self._finish(image_id, url, answer, attempts, time.monotonic() - began)

    async def _attempts(self, url: str) -> tuple[Answer, int]:
        wait = self.policy.backoff_s
        for attempt in range(1, self.policy.retries + 2):
            await self._turn()
            async with self.gate:
                answer = await self.transport.get(url, self.bounds, self._stop)
            if attempt > self.policy.retries or not is_passing(answer.status):
                break
            pause = min(self.policy.backoff_cap_s, max(wait * random.uniform(0.5, 1.5), answer.retry_after_s))
            if answer.http_status in (429, 503):  # the whole host asks for a rest
                self.next_start = max(self.next_start, time.monotonic() + pause)
            await asyncio.sleep(pause)
            wait *= 2
        return answer, attempt

    async def _turn(self) -> None:
        """Wait until this host may be asked again."""
        now = time.monotonic()
        start = max(now, self.next_start)
        self.next_start = start + self.delay
        if start > now:
            await asyncio.sleep(start - now)

    def _stop(self, headers: Iterable[tuple[str, str]]) -> str:
        found = acting(image_signals(headers), self.policy.tokens)
        return f"opt-out: {found.token}" if found else ""

    def _finish(self, image_id: str, url: str, answer: Answer, attempts: int, seconds: float) -> None:
        if self.left.pop(image_id, None) is not None:
            self.done(Result(image_id, url, urlsplit(url).hostname or "" if self.origin else "", answer, attempts, seconds))

    def give_up(self) -> None:
        for image_id, url in list(self.left.items()):
            self._finish(image_id, url, _words("deadline", url), 0, 0.0)


def _words(status: str, url: str) -> Answer:
    return Answer(status, 0, url, 0, "", "", (), b"", 0.0, "")


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" if parts.hostname else ""
    except ValueError:
        return ""
