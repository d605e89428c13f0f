"""One worker's loop over what is left of a bucket: settings to policy, transport and engine, results into the journal."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from pipelines.settings.fetch import FetchSettings
from pipelines.web.fetch.answer import Bounds
from pipelines.web.fetch.engine import Result, Start, fetch_all, learn_all
from pipelines.web.fetch.hot import Files, Place
from pipelines.web.fetch.journal import Journal
from pipelines.web.fetch.lists import load_lists
from pipelines.web.fetch.policy import Policy
from pipelines.web.fetch.record import row_of
from pipelines.web.fetch.transport import HttpTransport

GC_EVERY = 20_000  # new objects between two collections: thousands of open requests make each one long, and leave it little to find


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """To its end, on uvloop where there is one."""
    try:
        import uvloop

        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    except ImportError:
        runner = asyncio.Runner()
    with runner:
        runner.run(work)


async def fetch(urls: Sequence[Start | tuple[str, str]], settings: FetchSettings, journal: Journal, place: Place | None = None) -> None:
    """Fetch into the journal."""
    bounds, policy, transport = _parts(settings, place)

    def record(r: Result) -> None:
        journal.add(row_of(r), r.answer.body)

    _many_files()
    before = gc.get_threshold()
    gc.set_threshold(GC_EVERY, *before[1:])
    try:
        await fetch_all(urls, transport, bounds, policy, record)
    finally:
        gc.set_threshold(*before)
        await transport.close()


async def own_files(origins: list[str], settings: FetchSettings) -> Files:
    """robots.txt and tdmrep.json of these origins, asked for at each host's pace."""
    files = Files()
    bounds, policy, transport = _parts(settings, None)
    try:
        await learn_all(origins, transport, bounds, replace(policy, heard=files.heard))
    finally:
        await transport.close()
    return files


def _parts(settings: FetchSettings, place: Place | None) -> tuple[Bounds, Policy, HttpTransport]:
    bounds = Bounds(settings.max_bytes, settings.total_s, settings.connect_s, settings.max_redirects, ports=settings.ports)
    policy = Policy(
        agent=settings.agent_string(), robots=settings.robots, tokens=frozenset(settings.opt_out_tokens),
        connections=settings.per_host_connections, delay_s=settings.per_host_delay_s, crawl_delay_cap_s=settings.crawl_delay_cap_s,
        retries=settings.retries, backoff_s=settings.backoff_s, backoff_cap_s=settings.backoff_cap_s,
        concurrency=settings.concurrency, deadline_s=settings.bucket_deadline_s, blocked=load_lists(settings.opt_out_lists),
    )  # fmt: skip
    if place is not None:
        policy = replace(
            policy, share=place.share, elsewhere=place.elsewhere, turns=place.turns, board=place.board, known=place.files.get
        )  # fmt: skip
    return bounds, policy, HttpTransport(
        policy.agent, bounds, settings.test_resolve, settings.egress_proxy, per_host=settings.per_host_connections,
    )  # fmt: skip


def _many_files() -> None:
    """Thousands of connections need as many descriptors as this process may have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else max(soft, 65_536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, 65_536) if hard > 65_536 else wanted, hard))
