"""Who is measured in the fetch benchmarks: our engine, a bare aiohttp loop, img2dataset. The same URLs, the same connections."""

from __future__ import annotations

import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.settings.fetch import FetchSettings
from pipelines.web.fetch.politeness import OWN_FILES

CONNECTIONS = 256


def ours(port: int, urls: list[str], folder: str, seen: Callable[[Any, float], None] = lambda r, t: None, **settings: Any) -> float:
    """Seconds for the stage's own engine, transport and journal over these URLs, every check on; no delay unless `settings` has one."""
    from pipelines.web.fetch.journal import Journal
    from pipelines.web.fetch.worker import fetch, run_loop

    base = {"contact": "https://example.org/crawler", "per_host_delay_s": 0.0, "concurrency": CONNECTIONS}
    chosen = FetchSettings(**{**base, "allow_test_resolve": True, "test_resolve": {"*": f"127.0.0.1:{port}"}, **settings})
    shutil.rmtree(os.path.join(folder, "journal"), ignore_errors=True)
    journal = Journal(os.path.join(folder, "journal", "0000"))
    plain, began = journal.add, time.monotonic()

    def add(row: dict[str, Any], body: bytes) -> None:
        plain(row, body)
        seen(row, time.monotonic() - began)

    journal.add = add  # type: ignore[method-assign]
    run_loop(fetch([(str(i), u) for i, u in enumerate(urls)], chosen, journal))
    journal.close()
    return time.monotonic() - began


def bare(to: int, urls: list[str], own_files: bool = False, connections: int = CONNECTIONS) -> float:
    """Seconds of a bare aiohttp loop on the same event loop kind, connections kept alive: no checks, nothing kept. `own_files`: it asks
    each host for robots.txt and tdmrep.json too, as ours must, so that both send the same requests."""
    import asyncio

    import aiohttp
    from aiohttp.abc import AbstractResolver, ResolveResult

    from pipelines.web.fetch.worker import run_loop

    class Loopback(AbstractResolver):
        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
            return [ResolveResult(hostname=host, host="127.0.0.1", port=to, family=socket.AF_INET, proto=0, flags=socket.AI_NUMERICHOST)]

        async def close(self) -> None:
            pass

    hosts = dict.fromkeys(u.split("/", 3)[2] for u in urls) if own_files else ()
    every = [f"http://{h}{path}" for path in OWN_FILES for h in hosts] + urls

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=connections, resolver=Loopback())
        queue = iter(every)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for u in queue:
                    async with session.get(u) as r:
                        assert r.status == (404 if "/.well-known/" in u else 200)
                        await r.read()

            await asyncio.gather(*(work() for _ in range(connections)))

    began = time.monotonic()
    run_loop(main())
    return time.monotonic() - began


def timed(work: Callable[[], float]) -> tuple[float, float]:
    """(seconds, CPU seconds of this process)."""
    before = _cpu()
    return work(), _cpu() - before


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


I2D = """
import socket
from img2dataset import download
plain = socket.create_connection
socket.create_connection = lambda address, *a, **k: plain(("127.0.0.1", {port}), *a, **k)
if __name__ == "__main__":
    download(url_list={listing!r}, output_folder={out!r}, processes_count=1, thread_count={threads}, resize_mode="no",
             output_format="webdataset", number_sample_per_shard=10000, disallowed_header_directives=[], enable_wandb=False)
"""


def img2dataset_rate(port: int, urls: list[str], folder: str, threads: int = CONNECTIONS) -> float:
    """Images a second of img2dataset in one process with that many threads, not resizing, by its own clock: from the start of its one
    shard to the end, so neither its start-up nor its idle waits count. The URLs' names lead to the server by a patch of its socket
    module."""
    out, listing, script = Path(folder, "i2d"), Path(folder, "list.txt"), Path(folder, "i2d.py")
    shutil.rmtree(out, ignore_errors=True)
    listing.write_text("".join(f"{u}\n" for u in urls))
    script.write_text(I2D.format(port=port, listing=str(listing), out=str(out), threads=threads))
    environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True, timeout=250, env=environment)
    (stats,) = (json.loads(p.read_text()) for p in out.glob("*_stats.json"))
    if stats["successes"] != len(urls):
        raise RuntimeError(f"img2dataset fetched {stats['successes']} of {len(urls)} images from the loopback server: no figure")
    return stats["successes"] / stats["duration"]
