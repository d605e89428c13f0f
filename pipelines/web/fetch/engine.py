"""Fetch many URLs of many hosts at once: each host at its own polite pace (lane.py), none waiting for another.

A redirect moves an item to the lane of the host it points to, so that host's robots.txt, pace and connections hold for it too.
Hosts that have not answered yet, or answered badly last, share half of the slots, so they cannot take them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.web.fetch.answer import MOVED, Answer, Bounds, Transport, words
from pipelines.web.fetch.dial import site_of
from pipelines.web.fetch.lane import Lane
from pipelines.web.fetch.policy import Item, Policy
from pipelines.web.optout import Signal


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


class Start(NamedTuple):
    """What to fetch; `here` and `hops`: it has been redirected already."""

    image_id: str
    url: str
    here: str = ""
    hops: int = 0
    attempts: int = 0
    seconds: float = 0.0


async def fetch_all(
    urls: Iterable[Start | tuple[str, str]], transport: Transport, bounds: Bounds, policy: Policy, done: Callable[[Result], None]
) -> None:
    """Fetch every URL; `done` hears of each exactly once. Ends by `policy.deadline_s`: what is left by then has the
    status `deadline`. An exception of `done` (a full disk) ends it and passes through."""
    engine = Engine(transport, bounds, policy, done)
    try:
        for given in urls:
            s = Start(*given)
            item = Item(
                s.image_id, s.url, site_of(s.url).host, s.here or s.url, s.hops, s.attempts, seconds=s.seconds, wait=policy.backoff_s
            )
            engine.open[s.image_id] = item
            engine.route(item)
        await engine.wait()
    finally:
        await engine.stop()


async def learn_all(origins: Iterable[str], transport: Transport, bounds: Bounds, policy: Policy) -> None:
    """Ask for the own files of these origins (`policy.heard` is told), each host at its pace."""
    engine = Engine(transport, bounds, policy, lambda r: None)
    await asyncio.gather(*(engine.lane(site_of(o).host).rules(f"{o}/") for o in origins))


class Engine:
    """What the lanes share: slots, tasks, and what is still open."""

    def __init__(self, transport: Transport, bounds: Bounds, policy: Policy, done: Callable[[Result], None]):
        self.transport, self.bounds, self.policy, self.done = transport, bounds, policy, done
        self.open: dict[str, Item] = {}
        self.lanes: dict[str, Lane] = {}
        self.slots = asyncio.Semaphore(policy.concurrency)
        self.doubtful = asyncio.Semaphore(max(1, policy.concurrency // 2))
        self.tasks: set[asyncio.Task[None]] = set()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def lane(self, host: str) -> Lane:
        if (found := self.lanes.get(host)) is None:
            found = self.lanes[host] = Lane(self, host)
        return found

    def is_open(self, item: Item) -> bool:
        return item.image_id in self.open

    def route(self, item: Item, ready: float = 0.0) -> None:
        """Into the lane of the host it leads to now, not to be asked for before `ready`; or to its end."""
        if refused := self.transport.refused(item.here, self.bounds):
            return self.finish(item, words(refused, item.here))
        host = site_of(item.here).host if item.hops else item.host
        if listed := self.policy.blocked(item.here):
            return self.finish(item, words(listed, item.here), ((Signal(listed.removeprefix("opt-out: "), host, "listed"), ""),))
        if item.hops and self.policy.elsewhere(host):
            return self.finish(item, words(MOVED, item.here, detail=host))
        self.lane(host).push(item, ready)

    def finish(self, item: Item, answer: Answer, signals: tuple[tuple[Signal, str], ...] = ()) -> None:
        if self.open.pop(item.image_id, None) is not None:
            if item.hops and not answer.redirects:
                answer = answer._replace(redirects=item.hops)
            self.done(Result(item.image_id, item.url, item.host, answer, item.attempts, item.seconds, signals))

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
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
