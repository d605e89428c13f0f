"""Fetching beside a bare aiohttp loop and img2dataset: `python -m benchmarks.fetch [--json] [--only PART] [--polite N]`.

Everything plays on loopback: a server in a process (and on a core) of its own answers each request after 100 ms, for any host name.
Ours runs with every check on (robots.txt, tdmrep.json, addresses, sizes, journal on disk) and no delay between the requests of a host,
which would be all that is measured; the bare loop only reads bodies. 10,000 pictures of 256 hosts, so 39 a host, and 256 connections.
Rows: case, ours, peer, unit, ratio, floor_ratio.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json as jsonlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.fetch_clients import CONNECTIONS, bare, img2dataset_rate, ours, timed
from benchmarks.fetch_server import ROBOTS, server
from pipelines.settings.fetch import FetchSettings
from pipelines.web.fetch.politeness import OWN_FILES, violations

HOSTS = 256
IMAGES = 10_000
ROUNDS = 3
FULL = 1_024  # connections with which a bare loop fills a core


def all_there(row: dict[str, Any], at: float) -> None:
    if row["status"] != "success":
        raise RuntimeError(f"a picture of the loopback server was not fetched, so no figure means anything: {row}")


def pictures(n: int) -> list[str]:
    return [f"http://h{i % HOSTS}.example/{i}.jpg" for i in range(n)]


def throughput(folder: str) -> list[dict[str, Any]]:
    """Interleaved rounds; the ratio is the median of the rounds' ratios. CPU time is less blurred by other work on the machine."""
    urls = pictures(IMAGES)
    own = IMAGES + len(OWN_FILES) * HOSTS
    rounds = []
    with server(folder) as port:
        ours(port, urls[:HOSTS], folder)  # imports
        for _ in range(ROUNDS):
            mine = timed(lambda: ours(port, urls, folder, all_there))
            rounds.append((mine, timed(lambda: bare(port, urls)), timed(lambda: bare(port, urls, True))))
        out = []
        for name, k, n in (("bare loop, images only", 1, IMAGES), ("bare loop, the same requests", 2, own)):
            speed, peer = (statistics.median(n / r[j][0] for r in rounds) for j in (0, k))
            row = _row(name, speed, peer, 0.8, statistics.median(r[k][0] / r[0][0] for r in rounds))
            row["cpu_ratio"] = round(statistics.median(r[k][1] / r[0][1] for r in rounds), 3)
            row["unit"] = "requests/s" if k == 2 else row["unit"]
            out.append(row)
    return out


def side_by_side(folder: str) -> list[dict[str, Any]]:
    """Ours, a bare loop and img2dataset (one process, no resizing, its own clock) with the same connections, in turns, on one core: with
    our default, and with as many as make a bare loop fill the core, so that what counts is the work for each request. img2dataset is
    taken at its better of two thread counts; no row for it where it is not installed."""
    urls = pictures(IMAGES)
    there = importlib.util.find_spec("img2dataset") is not None
    out = []
    with server(folder) as port:
        ours(port, urls[:HOSTS], folder)
        for connections in (FetchSettings().concurrency, FULL):
            wide = {"concurrency": connections, "per_host_connections": max(2, connections // HOSTS)}
            rounds, theirs = [], []
            for _ in range(ROUNDS):
                mine = timed(lambda w=wide: ours(port, urls, folder, all_there, **w))  # type: ignore[misc]
                rounds.append((mine, timed(lambda c=connections: bare(port, urls, connections=c))))  # type: ignore[misc]
                if there and len(theirs) < 2:
                    threads = (CONNECTIONS, connections)[len(theirs)]
                    theirs.append((img2dataset_rate(port, urls[:3_000], folder, threads), threads))
            speed, peer = (statistics.median(IMAGES / r[k][0] for r in rounds) for k in (0, 1))
            row = _row(f"bare loop, {connections:,} connections", speed, peer, 0.8, statistics.median(r[1][0] / r[0][0] for r in rounds))
            out.append(row | {"cpu_ratio": round(statistics.median(r[1][1] / r[0][1] for r in rounds), 3)})
            if there:
                best, threads = max(theirs)
                out.append(_row(f"img2dataset, {threads} threads, {connections:,} connections", speed, best, 5.0))
    return out


def memory(folder: str) -> dict[str, Any]:
    """Peak memory of a process that fetches ten times as many URLs, beside one that fetches them once. By its own address
    space (VmHWM): ru_maxrss of a child begins with its parent's."""
    peaks = []
    with server(folder, 0.02) as port:
        for n in (2_000, 20_000):
            code = (
                "import sys; from benchmarks.fetch import all_there, ours, pictures;"
                "port, n, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3];"
                "ours(port, pictures(n), folder, all_there);"
                "print(next(int(x.split()[1]) // 1024 for x in open('/proc/self/status') if x.startswith('VmHWM')))"
            )
            command = [sys.executable, "-c", code, str(port), str(n), folder]
            peaks.append(float(subprocess.run(command, check=True, capture_output=True, text=True, timeout=200).stdout))
    row = _row("peak memory, 20,000 URLs / 2,000", peaks[1], peaks[0], None)
    row["unit"], row["ok"] = "MB", peaks[1] <= 1.5 * peaks[0]
    return row


def bad_neighbours(folder: str) -> dict[str, Any]:
    """Healthy hosts' images a second with as many bad hosts beside them (30 % of all hosts tarpits, 10 % silent, 10 % busy), to a run
    of the healthy alone. The job must end, too."""
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

            urls = [f"http://{h}/{i}.jpg" for i in range(60) for h in hosts]
            took = ours(port, urls, folder, seen, per_host_delay_s=0.2, concurrency=1024, total_s=10.0, connect_s=5.0, backoff_s=0.5)
            rates[name] = last[1] / last[0]
            assert last[1] == 60 * len(good) and took < 100, f"{name}: {last[1]} images of healthy hosts, {took:.0f} s"
            print(f"  {name}: healthy hosts done after {last[0]:.1f} s, the job after {took:.1f} s", file=sys.stderr)
    return _row("healthy hosts beside bad ones / alone", rates["beside"], rates["alone"], 0.9)


def polite(folder: str, requests: int) -> dict[str, Any]:
    """Violations in the server's own log, at the default pace: a second between two requests, two connections."""
    log = os.path.join(folder, "log.jsonl")
    hosts = max(10, requests // 50)
    urls = [f"http://h{i % hosts}.example/{'private' if i // hosts % 10 == 7 else 'a'}/{i}.jpg" for i in range(hosts * 54)]
    with server(folder, 0.02, log) as port:
        ours(port, urls, folder, per_host_delay_s=1.0, concurrency=1024)
    with open(log, encoding="utf-8") as f:
        seen = [tuple(jsonlib.loads(line)) for line in f]
    found = violations(seen, lambda host: ROBOTS, "weft/0.1", 1.0, 2, tolerance_s=0.1)  # type: ignore[arg-type]
    for line in found[:5]:
        print("violation:", line, file=sys.stderr)
    row = _row(f"violations in {len(seen):,} requests to {hosts:,} hosts", float(len(found)), 0.0, None)
    row["unit"], row["ratio"], row["ok"] = "violations", None, not found and len(seen) >= requests
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


PARTS = {"throughput": throughput, "beside": side_by_side, "bad": bad_neighbours, "memory": memory, "polite": polite}


def main(json: bool = False, polite_requests: int = 100_000, only: str = "") -> int:
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
    parser.add_argument("--polite", type=int, default=100_000, metavar="N", help="requests of the politeness check")
    given = parser.parse_args()
    raise SystemExit(main(given.json, given.polite, given.only))
