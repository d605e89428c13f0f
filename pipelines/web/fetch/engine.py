"""Fetch many URLs of many hosts at once: each host at its own polite pace, none waiting for another.

A host is a lane: a heap of items by the time they may be asked for, its own workers (as many as connections), its own clock. A
redirect moves an item to the lane of the host it points to, so that host's robots.txt, pace and connections hold for it too.
Hosts that have not answered yet, or answered badly last, share half of the slots, so they cannot take them all.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from pipelines.web.fetch.robots import Robots, robots_of
from pipelines.web.fetch.tdmrep import TOKEN, TdmFile, tdm_file_of
from pipelines.web.fetch.transport import REDIRECT, Answer, Bounds, Transport
from pipelines.web.optout import Signal, acting, image_signals

PASSING = (
    "timeout", "connection reset", "connection refused", "dns failure", "truncated body", "too slow", "deadline", "http 429", "http 5",
    "robots.txt unreachable", "host unresponsive",
)  # fmt: skip
HANGING = ("timeout", "too slow")
STRIKES = 3  # requests in a row that hang, after which a host is left alone for this time


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
    share: Callable[[str], int] = lambda host: 1  # how many workers may be asking this host at once; each takes that part of its pace


@dataclass
class Result:
    """What became of one URL. `signals`: the reservations found, of headers or of files of the host."""

    image_id: str
    url: str
    host: str
    answer: Answer
    attempts: int
    seconds: float
    signals: tuple[tuple[Signal, str], ...] = ()  # with the sha256 of the evidence


@dataclass
class _Item:
    image_id: str
    url: str
    host: str
    here: str  # after redirects
    hops: int = 0
    attempts: int = 0
    spent: float = 0.0  # seconds of requests, of this attempt's hops
    seconds: float = 0.0  # of all
    wait: float = 0.0


def is_passing(status: str) -> bool:
    """Whether asking again later may help."""
    return status.startswith(PASSING)


async def fetch_all(
    urls: Iterable[tuple[str, str]], transport: Transport, bounds: Bounds, policy: Policy, done: Callable[[Result], None]
) -> None:
    """Fetch every (image_id, url); `done` hears of each exactly once. Ends by `policy.deadline_s`: what is left by then has the
    status `deadline`. An exception of `done` (a full disk) ends it and passes through."""
    engine = _Engine(transport, bounds, policy, done)
    try:
        for image_id, url in urls:
            engine.open[image_id] = item = _Item(image_id, url, _host(url), url, wait=policy.backoff_s)
            engine.route(item)
        await engine.wait()
    finally:
        await engine.stop()


class _Engine:
    def __init__(self, transport: Transport, bounds: Bounds, policy: Policy, done: Callable[[Result], None]):
        self.transport, self.bounds, self.policy, self.done = transport, bounds, policy, done
        self.open: dict[str, _Item] = {}
        self.lanes: dict[str, _Lane] = {}
        self.slots = asyncio.Semaphore(policy.concurrency)
        self.doubtful = asyncio.Semaphore(max(1, policy.concurrency // 2))
        self.tasks: set[asyncio.Task[None]] = set()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def route(self, item: _Item, ready: float = 0.0) -> None:
        host = _host(item.here) if item.hops else item.host
        if refused := self.transport.refused(item.here, self.bounds):
            kind = refused.removeprefix("address denied: ") if refused.startswith("address") else ""
            self.finish(item, words(refused, item.here)._replace(address_class=kind))
        elif listed := self.policy.blocked(item.here):
            self.finish(item, words(listed, item.here), ((Signal(listed.removeprefix("opt-out: "), host, "listed"), ""),))
        else:
            if host not in self.lanes:
                self.lanes[host] = _Lane(self, host)
            self.lanes[host].push(item, ready)

    def finish(self, item: _Item, answer: Answer, signals: tuple[tuple[Signal, str], ...] = ()) -> None:
        if self.open.pop(item.image_id, None) is not None:
            if item.hops and not answer.redirects:
                answer = answer._replace(redirects=item.hops)
            self.done(Result(item.image_id, item.url, item.host, answer, item.attempts, item.seconds, signals))

    def start(self, work: object) -> None:
        task = asyncio.create_task(work)  # type: ignore[arg-type]
        self.tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if self.over.done():
            return
        if not task.cancelled() and (error := task.exception()) is not None:
            self.over.set_exception(error)
        elif not self.tasks:
            self.over.set_result(None)

    async def wait(self) -> None:
        if not self.tasks:
            return
        await asyncio.wait([self.over], timeout=self.policy.deadline_s)
        if self.over.done():
            self.over.result()
        for item in list(self.open.values()):  # none left unless the deadline has passed
            self.finish(item, words("deadline", item.here))

    async def stop(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
        for t in list(self.tasks):
            t.cancel()
        if self.tasks:
            await asyncio.wait(list(self.tasks), timeout=5)


@dataclass
class _Rules:
    """What one origin's files say."""

    robots: Robots | None = None
    tdm: TdmFile = field(default_factory=TdmFile)


class _Lane:
    """One host: its rules, its pace, its queue."""

    def __init__(self, engine: _Engine, host: str):
        self.engine, self.host, self.policy = engine, host, engine.policy
        self.queue: list[tuple[float, int, _Item]] = []
        self.pushed = self.active = self.strikes = 0
        self.proven = False
        self.share = max(1, self.policy.share(host))
        self.connections = 1 if self.share > 1 else self.policy.connections
        self.delay, self.next_start = self.policy.delay_s * self.share, 0.0
        self.starting = asyncio.Lock()
        self.origins: dict[str, asyncio.Future[_Rules]] = {}

    def push(self, item: _Item, ready: float) -> None:
        self.pushed += 1
        heapq.heappush(self.queue, (ready, self.pushed, item))
        if not self.active or self.proven:
            self._grow()

    def _grow(self) -> None:
        """One more worker: the first at once, a further one only while there are fewer workers than slots."""
        if self.queue and self.active < (self.connections if len(self.engine.tasks) < self.policy.concurrency else 1):
            self.active += 1
            self.engine.start(self._work())

    async def _work(self) -> None:
        try:
            while self.queue:
                ready, _, item = heapq.heappop(self.queue)
                if item.image_id in self.engine.open:
                    await self._one(item, ready)
        finally:
            self.active -= 1

    async def _one(self, item: _Item, ready: float) -> None:
        rules = await self._rules(item.here)
        if rules.robots is not None and (why := rules.robots.refusal(item.here)):
            said = () if rules.robots.unreachable else ((Signal("robots.txt", "disallow", "disallow"), rules.robots.sha256),)
            return self.engine.finish(item, words(why, item.here), said)
        if why := rules.tdm.refusal(item.here):
            return self.engine.finish(item, words(why, item.here), ((Signal(TOKEN, "tdmrep.json", TOKEN), rules.tdm.sha256),))
        if self.strikes >= STRIKES:
            return self.engine.finish(item, words("host unresponsive", item.here))
        left = self.engine.bounds
        if item.spent:
            left = replace(left, total_s=max(1.0, left.total_s - item.spent))
        answer, seconds = await self._ask(item.here, left, ready)
        item.attempts += not item.hops
        item.spent += seconds
        item.seconds += seconds
        if answer.status == REDIRECT:
            item.hops += 1
            item.here = answer.final_url
            if item.hops > self.engine.bounds.max_redirects:
                return self.engine.finish(item, words("too many redirects", item.here))
            return self.engine.route(item)
        if is_passing(answer.status) and item.attempts <= self.policy.retries and self.strikes < STRIKES:
            pause = min(self.policy.backoff_cap_s, max(item.wait * random.uniform(0.5, 1.5), answer.retry_after_s))
            if answer.http_status in (429, 503):  # the whole host asks for a rest
                self.next_start = max(self.next_start, time.monotonic() + pause)
            item.wait *= 2
            item.here, item.hops, item.spent = item.url, 0, 0.0
            return self.engine.route(item, time.monotonic() + pause)
        self.engine.finish(item, answer, tuple((s, s.evidence) for s in image_signals(answer.headers)))

    async def _ask(self, url: str, bounds: Bounds, ready: float = 0.0, follow: bool = False) -> tuple[Answer, float]:
        """One request, when this host may be asked again and a slot is free. The next may start a delay after this one has been
        sent, not after it was begun: a connection that is long in coming would bring both to the host together."""
        if (wait := ready - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        engine, doubtful, slot = self.engine, False, False
        gate = _Gate(self)
        await self.starting.acquire()
        try:
            await self._pause()
            if not self.proven:
                await engine.doubtful.acquire()
                doubtful = True
            await engine.slots.acquire()
            slot = True
            await self._pause()  # a redirect of another host's robots.txt may have come here meanwhile
            began = self.reserve()
            answer = await engine.transport.get(
                url, bounds, None if follow else self._stop, follow=follow, before_hop=gate.hop, sent=gate.sent
            )
            hangs = answer.status.startswith(HANGING)
            self.strikes = self.strikes + 1 if hangs else 0
            self.proven = not hangs
            if self.proven:
                self._grow()  # a further connection only to a host that answers
            return answer, time.monotonic() - began
        finally:
            gate.open()
            if slot:
                engine.slots.release()
            if doubtful:
                engine.doubtful.release()

    def reserve(self) -> float:
        """A request is under way now: the next may follow a delay later."""
        now = time.monotonic()
        self.next_start = max(self.next_start, now + self.delay)
        return now

    async def _pause(self) -> None:
        while (wait := self.next_start - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    async def _rules(self, url: str) -> _Rules:
        """The rules of a URL's origin, asked for once; who comes meanwhile waits."""
        origin = _origin(url)
        if (known := self.origins.get(origin)) is None:
            known = self.origins[origin] = asyncio.get_running_loop().create_future()
            try:
                known.set_result(await self._learn(url))
            except BaseException:
                known.cancel()
                raise
        return known.result() if known.done() else await asyncio.shield(known)

    async def _learn(self, url: str) -> _Rules:
        rules = _Rules()
        if self.policy.robots:
            rules.robots = await robots_of(url, self._patiently, self.policy.agent, self.engine.bounds)
            self.delay = max(self.delay, min(rules.robots.delay_s, self.policy.crawl_delay_cap_s) * self.share)
            self.next_start = max(self.next_start, time.monotonic() + self.delay if self.delay else 0.0)
            if rules.robots.unreachable:
                return rules
        if TOKEN in self.policy.tokens:
            rules.tdm = await tdm_file_of(url, self._once, self.engine.bounds)
        return rules

    async def _once(self, url: str, bounds: Bounds) -> Answer:
        return (await self._ask(url, bounds, follow=True))[0]

    async def _patiently(self, url: str, bounds: Bounds) -> Answer:
        """As often as an image, but a host that hangs is not asked again."""
        wait = self.policy.backoff_s
        for attempt in range(self.policy.retries + 1):
            answer = await self._once(url, bounds)
            if attempt == self.policy.retries or not is_passing(answer.status) or answer.status.startswith((*HANGING, "dns failure")):
                break
            pause = min(self.policy.backoff_cap_s, max(wait * random.uniform(0.5, 1.5), answer.retry_after_s))
            self.next_start = max(self.next_start, time.monotonic() + pause)
            wait *= 2
        return answer

    def _stop(self, headers: Iterable[tuple[str, str]]) -> str:
        found = acting(image_signals(headers), self.policy.tokens)
        return f"opt-out: {found.token}" if found else ""


class _Gate:
    """Holds a lane's next start back until the request under way has been sent."""

    def __init__(self, lane: _Lane):
        self.lane, self.now, self.held = lane, lane, True

    def sent(self) -> None:
        self.now.reserve()
        self.open()

    def open(self) -> None:
        if self.held:
            self.held = False
            self.lane.starting.release()

    async def hop(self, url: str) -> None:
        """A redirect of a host's own files (robots.txt) keeps the pace of the host it leads to."""
        if host := _host(url):
            lanes = self.lane.engine.lanes
            self.now = lanes.get(host) or lanes.setdefault(host, _Lane(self.lane.engine, host))
        await self.now._pause()
        self.now.reserve()


def words(status: str, url: str) -> Answer:
    """An answer that no server gave."""
    return Answer(status, 0, url, 0, "", "", (), b"", 0.0, "")


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return parts.hostname or ""
    except ValueError:
        return ""


def _origin(url: str) -> str:
    """Scheme and authority of an http(s) URL that has passed `refused`."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].partition('?')[0].partition('#')[0]}"
