"""Judges a server's log: was every request allowed, at the pace asked for, over no more connections? For tests and benchmarks, and
for a site owner's log."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from protego import Protego

OWN_FILES = ("/robots.txt", "/.well-known/tdmrep.json")


def violations(
    log: Iterable[tuple[str, str, float, float]], robots: Callable[[str], bytes | None], agent: str, delay_s: float, connections: int,
    tolerance_s: float = 0.0, crawl_delay_cap_s: float = 30.0,
) -> list[str]:  # fmt: skip
    """One line per violation in a log of (host, path, begin, end) in seconds. `robots(host)` is the host's robots.txt or None; the
    tolerance covers the way from the client's clock to the server's."""
    hosts: dict[str, list[tuple[float, float, str]]] = {}
    for host, path, begin, end in log:
        hosts.setdefault(host, []).append((begin, end, path))
    out: list[str] = []
    for host, requests in sorted(hosts.items()):
        out += _host(host, sorted(requests), robots(host), agent.split("/", 1)[0], delay_s, connections, tolerance_s, crawl_delay_cap_s)
    return out


def _host(
    host: str, requests: list[tuple[float, float, str]], body: bytes | None, agent: str, delay_s: float, connections: int,
    tolerance_s: float, cap_s: float,
) -> list[str]:  # fmt: skip
    rules = Protego.parse(body.decode("utf-8", "replace")) if body else None
    wait = max(delay_s, min(cap_s, float(rules.crawl_delay(agent) or 0) if rules else 0.0))
    out = []
    if requests[0][2] != "/robots.txt":
        out.append(f"no robots.txt: {host} was asked for {requests[0][2]} first")
    last: float | None = None
    running: list[float] = []
    for begin, end, path in requests:
        if rules and path not in OWN_FILES and not rules.can_fetch(f"http://{host}{urlsplit(path).path}", agent):
            out.append(f"robots: {host}{path} is disallowed")
        if last is not None and begin - last < wait - tolerance_s:
            out.append(f"delay: {host}{path} came {begin - last:.3f} s after the one before, {wait:.3f} s were asked for")
        last = begin
        running = [e for e in running if e > begin] + [end]
        if len(running) > connections:
            out.append(f"connections: {host}{path} is number {len(running)} at once, {connections} were allowed")
    span = requests[-1][0] - requests[0][0]
    if span < (len(requests) - 1) * wait - tolerance_s:  # however the single gaps were blurred on the way
        out.append(f"rate: {host} got {len(requests)} requests in {span:.3f} s, {wait:.3f} s each were asked for")
    return out
