"""Fetching beside a bare aiohttp loop and img2dataset: `python -m benchmarks.fetch [--json] [--only PART] [--polite N]`.

Everything plays on loopback: a server in a process of its own answers each request after 100 ms, for any host name. Ours runs with
every check on (robots.txt, tdmrep.json, addresses, sizes, journal on disk); the bare loop only reads bodies. img2dataset's own
start-up is left out by measuring two sizes and taking the difference. Rows: case, ours, peer, unit, ratio, floor_ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import importlib.util
import json as jsonlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.settings.fetch import FetchSettings
from pipelines.web.fetch.politeness import OWN_FILES, violations

LATENCY_S = 0.1
CONNECTIONS = 256
HOSTS = 256
IMAGES = 6_000
ROUNDS = 3
ROBOTS = b"User-agent: *\nDisallow: /private\n"
SERVER = """
import asyncio, json, sys, time
import uvloop
latency, log = float(sys.argv[1]), open(sys.argv[2], "w", buffering=1 << 20) if sys.argv[2] else None
body = open(sys.argv[3], "rb").read()
robots = sys.argv[4].encode()
def answer(status, data, kind=b"image/jpeg", extra=b""):
    return b"HTTP/1.1 %s words\\r\\nContent-Type: %s\\r\\nContent-Length: %d\\r\\n%s\\r\\n" % (status, kind, len(data), extra) + data
IMAGE, ROBOTS, NONE = answer(b"200", body), answer(b"200", robots, b"text/plain"), answer(b"404", b"")
BUSY = answer(b"429", b"", extra=b"Retry-After: 1\\r\\n")
class Site(asyncio.Protocol):
    def connection_made(self, t): self.t, self.data, self.open = t, b"", True
    def connection_lost(self, e): self.open = False
    def data_received(self, data):
        self.data += data
        if not self.data.endswith(b"\\r\\n\\r\\n"): return
        head, self.data = self.data, b""
        path = head.split(b" ", 2)[1]
        host = head.lower().split(b"host:", 1)[1].split(b"\\r\\n", 1)[0].strip().split(b":")[0]
        if host.startswith(b"silent"): return
        now = time.monotonic()
        asyncio.get_runningrun_loop().call_later(latency, self.reply, host, path, now)
    def reply(self, host, path, begin):
        if not self.open: return
        if path == b"/robots.txt": out = ROBOTS
        elif path.startswith(b"/.well-known"): out = NONE
        elif host.startswith(b"busy"): out = BUSY
        elif host.startswith(b"tarpit"):
            self.t.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 100000\\r\\n\\r\\n")
            return self.drip()
        else: out = IMAGE
        self.t.write(out)
        if log: log.write(json.dumps([host.decode(), path.decode(), begin, time.monotonic()]) + "\\n")
    def drip(self):
        if self.open:
            self.t.write(b"x")
            asyncio.get_runningrun_loop().call_later(0.5, self.drip)
async def main():
    server = await asyncio.get_runningrun_loop().create_server(Site, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_runningrun_loop().run_in_executor(None, sys.stdin.read)
    if log: log.close()
uvloop.run(main())
"""


@contextmanager
def server(folder: str, latency_s: float = LATENCY_S, log: str = "") -> Iterator[int]:
    """The loopback server in its own process; ends with the block, or with this process."""
    picture = os.path.join(folder, "picture.jpg")
    if not os.path.exists(picture):
        from PIL import Image

        Image.effect_noise((256, 256), 60).convert("RGB").save(picture, "JPEG", quality=60)
    command = [sys.executable, "-c", SERVER, str(latency_s), log, picture, ROBOTS.decode()]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin and child.stdout
    try:
        yield int(child.stdout.readline())
    finally:
        child.stdin.close()
        child.wait(20)


def ours(port: int, urls: list[str], folder: str, seen: Callable[[Any, float], None] = lambda r, t: None, **settings: Any) -> float:
    """Seconds for the stage's own engine, transport and journal over these URLs."""
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


def bare(port: int, urls: list[str], own_files: bool = False) -> float:
    """The same URLs by a bare aiohttp loop of as many connections, on the same event loop kind: no checks, nothing kept.
    `own_files`: it asks each host for robots.txt and tdmrep.json too, as ours must, so that both send the same requests."""
    import aiohttp

    from pipelines.web.fetch.dial import Resolver
    from pipelines.web.fetch.worker import run_loop

    hosts = dict.fromkeys(u.split("/", 3)[2] for u in urls) if own_files else ()
    every = [f"http://{h}{path}" for path in OWN_FILES for h in hosts] + urls

    async def main() -> None:
        connector = aiohttp.TCPConnector(limit=CONNECTIONS, resolver=Resolver({"*": f"127.0.0.1:{port}"}))
        queue = iter(every)
        async with aiohttp.ClientSession(connector=connector) as session:

            async def work() -> None:
                for u in queue:
                    async with session.get(u) as r:
                        assert r.status == (404 if "/.well-known/" in u else 200)
                        await r.read()

            await asyncio.gather(*(work() for _ in range(CONNECTIONS)))

    began = time.monotonic()
    run_loop(main())
    return time.monotonic() - began


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    """(seconds, CPU seconds of this process)."""
    before = _cpu()
    return work(), _cpu() - before


def img2dataset_rate(port: int, folder: str) -> float:
    """Images a second of img2dataset in one process, not resizing, start-up excluded by the difference of two sizes."""
    took = {}
    for n in (500, 1_500):
        out, listing = Path(folder, "i2d"), Path(folder, "list.txt")
        shutil.rmtree(out, ignore_errors=True)
        listing.write_text("".join(f"http://127.0.0.1:{port}/{i}.jpg\n" for i in range(n)))
        code = (
            "from img2dataset import download\n"
            f"download(url_list={str(listing)!r}, output_folder={str(out)!r}, processes_count=1, thread_count={CONNECTIONS}, "
            "resize_mode='no', output_format='webdataset', number_sample_per_shard=10000, disallowed_header_directives=[], "
            "enable_wandb=False)"
        )
        guarded = "if __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in code.splitlines())
        script = Path(folder, "i2d.py")
        script.write_text(guarded)
        began = time.monotonic()
        environment = {**os.environ, "NO_ALBUMENTATIONS_UPDATE": "1"}
        subprocess.run([sys.executable, str(script)], check=True, capture_output=True, timeout=250, env=environment)
        took[n] = time.monotonic() - began
    return 1_000 / max(0.01, took[1_500] - took[500])


def throughput(folder: str) -> list[dict[str, Any]]:
    """Interleaved rounds; the ratio is the median of the rounds' ratios. CPU time is less blurred by other work on the machine."""
    urls = [f"http://h{i % HOSTS}.example/{i}.jpg" for i in range(IMAGES)]
    own = IMAGES + len(OWN_FILES) * HOSTS
    rounds = []
    with server(folder) as port:
        ours(port, urls[:HOSTS], folder)  # imports
        for _ in range(ROUNDS):
            mine = _timed(lambda: ours(port, urls, folder))
            rounds.append((mine, _timed(lambda: bare(port, urls)), _timed(lambda: bare(port, urls, True))))
        out = []
        for name, k, n in (("bare loop, images only", 1, IMAGES), ("bare loop, the same requests", 2, own)):
            speed, peer = (statistics.median(n / r[j][0] for r in rounds) for j in (0, k))
            if k == 1:
                rate = speed
            row = _row(name, speed, peer, 0.8, statistics.median(r[k][0] / r[0][0] for r in rounds))
            row["cpu_ratio"] = round(statistics.median(r[k][1] / r[0][1] for r in rounds), 3)
            row["unit"] = "requests/s" if k == 2 else row["unit"]
            out.append(row)
        if importlib.util.find_spec("img2dataset"):
            out.append(_row("img2dataset steady, 1 process, 100 ms", rate, img2dataset_rate(port, folder), 5.0))
    return out


def memory(folder: str) -> dict[str, Any]:
    """Peak memory of a process that fetches ten times as many URLs, beside one that fetches them once."""
    peaks = []
    with server(folder, 0.02) as port:
        for n in (2_000, 20_000):
            code = (
                "import resource, sys; from benchmarks.fetch import HOSTS, ours;"
                "port, n, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3];"
                "ours(port, [f'http://h{i % HOSTS}.example/{i}.jpg' for i in range(n)], folder);"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
            )
            command = [sys.executable, "-c", code, str(port), str(n), folder]
            peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=200).stdout))
    row = _row("peak memory, 20,000 URLs / 2,000", peaks[1], peaks[0], None)
    row["unit"], row["ok"], row["floor_ratio"] = "MB", peaks[1] <= 2 * peaks[0], None
    return row


def bad_neighbours(folder: str) -> dict[str, Any]:
    """Healthy hosts' images a second with 30 % tarpits, 10 % silent and 10 % busy hosts beside them, to a run of the healthy alone."""
    good = [f"good{i}.example" for i in range(200)]
    bad = [f"tarpit{i}.example" for i in range(120)] + [f"silent{i}.example" for i in range(40)] + [f"busy{i}.example" for i in range(40)]
    rates = {}
    with server(folder) as port:
        for name, hosts in (("alone", good), ("beside", [h for pair in zip(bad, good, strict=True) for h in pair])):
            last = [0.0, 0]

            def seen(row: dict[str, Any], at: float, last: list[Any] = last) -> None:
                if row["host"].startswith("good"):
                    assert row["status"] == "success", row
                    last[0], last[1] = at, last[1] + 1

            urls = [f"http://{h}/{i}.jpg" for h in hosts for i in range(60)]
            took = ours(port, urls, folder, seen, per_host_delay_s=0.2, concurrency=1024, total_s=10.0, connect_s=5.0, backoff_s=0.5)
            rates[name] = last[1] / last[0]
            assert last[1] == 60 * len(good) and took < 120
    return _row("healthy hosts beside bad ones / alone", rates["beside"], rates["alone"], 0.9)


def polite(folder: str, requests: int) -> dict[str, Any]:
    """Violations in the server's own log."""
    log = os.path.join(folder, "log.jsonl")
    hosts = max(10, requests // 50)
    urls = [f"http://h{i % hosts}.example/{'private' if i % 10 == 7 else 'a'}/{i}.jpg" for i in range(requests * 10 // 9)]
    delay = 0.5
    with server(folder, 0.02, log) as port:
        ours(port, urls, folder, per_host_delay_s=delay, concurrency=1024)
    with open(log, encoding="utf-8") as f:
        seen = [tuple(jsonlib.loads(line)) for line in f]
    found = violations(seen, lambda host: ROBOTS, "weft/0.1", delay, 2, tolerance_s=0.15)  # type: ignore[arg-type]
    for line in found[:5]:
        print("violation:", line, file=sys.stderr)
    row = _row(f"violations in {len(seen):,} requests", float(len(found)), 0.0, None)
    row["unit"], row["ratio"], row["ok"] = "violations", None, not found
    return row


def _row(case: str, mine: float, peer: float, floor: float | None, ratio: float | None = None) -> dict[str, Any]:
    ratio = ratio if ratio is not None else (mine / peer if peer else None)
    versions = {n: importlib.metadata.version(n) for n in ("aiohttp", "img2dataset") if importlib.util.find_spec(n)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    ok = floor is None or (ratio is not None and ratio >= floor)
    return {"case": case, "ours": round(mine, 1), "peer": round(peer, 1), "unit": "images/s", "ratio": ratio and round(ratio, 3),
            "floor_ratio": floor, "peak_rss_mb": peak, "versions": versions, "ok": ok}  # fmt: skip


def _line(r: dict[str, Any]) -> str:
    floor = f"floor {r['floor_ratio']}" if r["floor_ratio"] is not None else ""
    verdict = "ok" if r["ok"] else "BELOW"
    cpu = f" (CPU {r['cpu_ratio']})" if "cpu_ratio" in r else ""
    figures = f"ours {r['ours']:>9,.1f}  peer {r['peer']:>9,.1f} {r['unit']:<10} ratio {r['ratio']}{cpu}"
    return f"{r['case']:<45} {figures}  {floor}  {verdict}  peak {r['peak_rss_mb']} MB"


PARTS = {"throughput": throughput, "bad": bad_neighbours, "memory": memory, "polite": polite}


def main(json: bool = False, polite_requests: int = 20_000, only: str = "") -> int:
    """Measure, print, and say by the exit code (1) whether a floor was missed. All traffic is loopback and ends by itself."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PARTS.items():
            if only and name != only:
                continue
            found = polite(folder, polite_requests) if part is polite else part(folder)  # type: ignore[operator]
            for r in found if isinstance(found, list) else [found]:
                rows.append(r)
                if not json:
                    print(_line(r), flush=True)
    if json:
        print(jsonlib.dumps(rows, indent=1))
    return 0 if all(r["ok"] for r in rows) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=PARTS, default="")
    parser.add_argument("--polite", type=int, default=20_000, metavar="N", help="requests of the politeness check (issue: 100000)")
    given = parser.parse_args()
    raise SystemExit(main(given.json, given.polite, given.only))
