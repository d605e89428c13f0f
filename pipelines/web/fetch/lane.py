"""One host: its rules, its pace, its queue.

A lane is a heap of items by the time they may be asked for, its own workers (as many as connections), its own clock.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipelines.web.fetch.answer import HANGING, MOVED, REDIRECT, STALE, Answer, Bounds, is_passing, words
from pipelines.web.fetch.dial import origin_of, site_of
from pipelines.web.fetch.policy import Item
from pipelines.web.fetch.robots import Robots, robots_of
from pipelines.web.fetch.tdmrep import TOKEN, TdmFile, tdm_file_of
from pipelines.web.optout import Signal, acting, image_signals

if TYPE_CHECKING:
    from pipelines.web.fetch.engine import Engine

STRIKES = 3  # requests in a row that hang, after which a host is left alone for this time
LOOK_S = 1.0  # between two looks at the board where there is no delay
BUSY = 8  # 429 and 503 in a row, after which it is, too


@dataclass(slots=True)
class _Rules:
    """What one origin's files say."""

    elsewhere: str = ""  # the host of another worker to which one of the files leads
    robots: Robots | None = None
    tdm: TdmFile = field(default_factory=TdmFile)


class Lane:
    """The queue of one host and what is known of the host."""

    def __init__(self, engine: Engine, host: str):
        self.engine, self.host, self.policy = engine, host, engine.policy
        self.queue: list[tuple[float, int, Item]] = []
        self.pushed = self.active = self.strikes = self.busy = 0
        self.proven = False
        self.share, self.turns = max(1, self.policy.share(host)), self.policy.turns(host)
        among = self.turns.lanes if self.turns else 1
        self.connections = 1 if self.share > 1 else max(1, self.policy.connections // among)
        self.delay, self.next_start = self.policy.delay_s * self.share, 0.0
        self.looked = self.last = 0.0  # at the board; answer of a file of the host's own
        self.starting = asyncio.Lock()
        self.origins: dict[str, asyncio.Future[_Rules]] = {}

    def push(self, item: Item, ready: float) -> None:
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
                if self.engine.is_open(item):
                    await self._one(item, ready)
        finally:
            self.active -= 1

    async def _one(self, item: Item, ready: float) -> None:
        known = self.origins.get(origin_of(item.here))
        rules = known.result() if known is not None and known.done() else await self.rules(item.here)
        if rules.elsewhere:
            return self.engine.finish(item, words(MOVED, item.here, detail=rules.elsewhere))
        if rules.robots is not None and (why := rules.robots.refusal(item.here)):
            said = () if rules.robots.unreachable else ((Signal("robots.txt", "disallow", "disallow"), rules.robots.sha256),)
            return self.engine.finish(item, words(why, item.here), said)
        if why := rules.tdm.refusal(item.here):
            return self.engine.finish(item, words(why, item.here), ((Signal(TOKEN, "tdmrep.json", TOKEN), rules.tdm.sha256),))
        if self.strikes >= STRIKES:
            return self.engine.finish(item, words("host unresponsive", item.here))
        if self.busy >= BUSY:
            return self.engine.finish(item, words("host busy", item.here))
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
        self.busy = self.busy + 1 if answer.http_status in (429, 503) else 0
        pause = min(self.policy.backoff_cap_s, max(item.wait * random.uniform(0.5, 1.5), answer.retry_after_s))
        if self.busy:  # the whole host asks for a rest
            self.next_start = max(self.next_start, time.monotonic() + pause)
            if self.turns and self.policy.board:
                await asyncio.to_thread(self.policy.board.rest, self.host, time.time() + pause)
        if is_passing(answer.status) and item.attempts <= self.policy.retries and self.strikes < STRIKES and self.busy < BUSY:
            item.wait *= 2
            item.here, item.hops, item.spent = item.url, 0, 0.0
            return self.engine.route(item, time.monotonic() + pause)
        self.engine.finish(item, answer, tuple((s, s.evidence) for s in image_signals(answer.headers)))

    async def _ask(self, url: str, bounds: Bounds, ready: float = 0.0, follow: bool = False) -> tuple[Answer, float]:
        """An answer, and the seconds it took. A connection that turned out to be closed is no answer: then once more, on a new one."""
        answer, seconds = await self._turn(url, bounds, ready, follow)
        return await self._turn(url, bounds, 0.0, follow, True) if answer.status == STALE else (answer, seconds)

    async def _turn(self, url: str, bounds: Bounds, ready: float, follow: bool, fresh: bool = False) -> tuple[Answer, float]:
        """One request, when this host may be asked again and a slot is free. The next may start a delay after this one has been
        sent, not after it was begun: a connection that is long in coming would bring both to the host together."""
        if ready and (wait := ready - time.monotonic()) > 0:
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
            gate.began = self.reserve() if self.turns is None else time.monotonic()
            answer = await engine.transport.get(
                url, bounds, None if follow else self._stop, follow, gate.hop, gate.sent, fresh, gate.clear if engine.policy.board else None
            )
            hangs = answer.status.startswith(HANGING)
            self.strikes = self.strikes + 1 if hangs else 0
            self.proven = not hangs
            if self.proven:
                self._grow()  # a further connection only to a host that answers
            return answer, time.monotonic() - gate.began
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
        while (wait := self._wait()) > 0:
            await asyncio.sleep(wait)

    def _wait(self) -> float:
        wait = self.next_start - time.monotonic()
        return wait if self.turns is None else max(wait, self.turns.wait(time.time() + max(0.0, wait), self.delay) + max(0.0, wait))

    async def clear(self) -> None:
        """Returns when a hot host's turn has come and no other lane has heard that it wants a rest. The request must go out at once."""
        while self.turns is not None and self.policy.board is not None:
            await self._pause()
            if self.delay or time.monotonic() - self.looked > LOOK_S:
                self.looked = time.monotonic()
                until = await asyncio.to_thread(self.policy.board.until, self.host)
                self.next_start = max(self.next_start, time.monotonic() + until - time.time())
            if self._wait() <= 0:
                return

    async def rules(self, url: str) -> _Rules:
        """The rules of a URL's origin, asked for once; who comes meanwhile waits."""
        origin = origin_of(url)
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

        def led(answer: Answer) -> Answer:
            if answer.status == MOVED:
                rules.elsewhere = site_of(answer.final_url).host
            return answer

        async def patiently(file: str, bounds: Bounds) -> Answer:
            return led(await self._patiently(file, bounds))

        async def once(file: str, bounds: Bounds) -> Answer:
            return led(await self._once(file, bounds))

        if self.policy.robots:
            rules.robots = await robots_of(url, patiently, self.policy.agent, self.engine.bounds)
            self.delay = max(self.delay, min(rules.robots.delay_s, self.policy.crawl_delay_cap_s) * self.share)
            self.next_start = max(self.next_start, self.last + self.delay if self.delay else 0.0)
            if rules.robots.unreachable:
                return rules
        if TOKEN in self.policy.tokens:
            rules.tdm = await tdm_file_of(url, once, self.engine.bounds)
            self.next_start = max(self.next_start, self.last + self.delay if self.delay else 0.0)
        return rules

    async def _once(self, url: str, bounds: Bounds) -> Answer:
        return self._recorded(url) or self._heard(url, (await self._ask(url, bounds, follow=True))[0])

    async def _patiently(self, url: str, bounds: Bounds) -> Answer:
        """As often as an image, but a host that hangs is not asked again."""
        if (known := self._recorded(url)) is not None:
            return known
        wait = self.policy.backoff_s
        for _ in range(self.policy.retries):
            answer = (await self._ask(url, bounds, follow=True))[0]
            if not is_passing(answer.status) or answer.status.startswith((*HANGING, "dns failure")):
                return self._heard(url, answer)
            pause = min(self.policy.backoff_cap_s, max(wait * random.uniform(0.5, 1.5), answer.retry_after_s))
            self.next_start = max(self.next_start, time.monotonic() + pause)
            wait *= 2
        return self._heard(url, (await self._ask(url, bounds, follow=True))[0])

    def _recorded(self, url: str) -> Answer | None:
        """The answer of a host's own file that was asked for before its lanes began."""
        if (known := self.policy.known(url)) is None:
            return None
        self.last = max(self.last, time.monotonic() - max(0.0, time.time() - known[1]))
        return known[0]

    def _heard(self, url: str, answer: Answer) -> Answer:
        self.last = time.monotonic()
        self.policy.heard(url, answer)
        return answer

    def _stop(self, headers: Iterable[tuple[str, str]]) -> str:
        found = acting(image_signals(headers), self.policy.tokens)
        return f"opt-out: {found.token}" if found else ""


class _Gate:
    """Holds a lane's next start back until the request under way has been sent."""

    __slots__ = ("began", "held", "lane", "now")

    def __init__(self, lane: Lane):
        self.lane, self.now, self.held, self.began = lane, lane, True, 0.0

    async def clear(self) -> None:
        if self.now.turns is not None:
            await self.now.clear()
            self.began = self.now.reserve()

    def sent(self) -> None:
        self.now.reserve()
        self.open()

    def open(self) -> None:
        if self.held:
            self.held = False
            self.lane.starting.release()

    async def hop(self, url: str) -> str:
        """A redirect of a host's own files (robots.txt) keeps the pace of the host it leads to; if that is another worker's, it ends."""
        if host := site_of(url).host:
            if self.lane.policy.elsewhere(host):
                return MOVED
            self.now = self.lane.engine.lane(host)
        await self.now._pause()
        if self.now.turns is None:  # else when it is its turn: clear()
            self.now.reserve()
        return ""
