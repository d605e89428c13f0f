"""Names are looked up once, beside one another, and failures again."""

from __future__ import annotations

import asyncio
import socket
import time

import pytest

from pipelines.web.fetch.resolve import SystemResolver


def test_names_are_looked_up_once_together_and_failures_again(monkeypatch):
    asked = []

    def getaddrinfo(host, *args, **kw):
        asked.append(host)
        if host.startswith("slow"):
            time.sleep(0.4)
        if host.startswith("gone"):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))] * 2

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def main():
        resolver = SystemResolver(32)
        began = time.monotonic()
        slow = [asyncio.create_task(resolver.resolve(f"slow{i}.example", 80)) for i in range(20)]
        assert await asyncio.gather(*(resolver.resolve("a.example", p) for p in (80, 443))) == [[("192.0.2.1", 80)], [("192.0.2.1", 443)]]
        quick = time.monotonic() - began
        for _ in range(2):
            with pytest.raises(socket.gaierror):
                await resolver.resolve("gone.example", 80)
        await asyncio.gather(*slow)
        resolver.close()
        return quick

    quick = asyncio.run(main())
    assert quick < 0.35  # the slow ones were under way
    assert (asked.count("a.example"), asked.count("gone.example"), asked.count("slow3.example")) == (1, 2, 1)
