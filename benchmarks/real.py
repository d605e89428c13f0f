"""The whole pipeline on real pages, their images played by a loopback server.

    python -m benchmarks.real DATA -o RUN [--config configs/obelics.toml] [--workers N] [--set A.B=V]

DATA is a folder with `real_dev.warc.gz`, `images_dev/` and `images_hostile/` (not part of the project). Real hosts cannot be
reached from a closed machine, so every URL is answered with a picture chosen by the URL's hash, and a fixed share with what
the web also does: 404, redirects, slow answers, hostile files.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.anyhost import Authority, listen

SHARES = (("missing", 0.08), ("redirect", 0.06), ("hostile", 0.05), ("slow", 0.01))  # of all URLs; the rest is answered plainly
TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
}


def answer(url: str, good: list[Path], hostile: list[Path]) -> tuple[str, Path]:
    """What the server does for a URL, by its hash alone: (kind, file)."""
    h = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    place, pick = int.from_bytes(h[:8], "big") / 2**64, int.from_bytes(h[8:], "big")
    for kind, share in SHARES:
        if place < share:
            return kind, (hostile or good)[pick % len(hostile or good)] if kind == "hostile" else good[pick % len(good)]
        place -= share
    return "plain", good[pick % len(good)]


async def serve(data: Path) -> None:
    """Serve until standard input closes; prints the port."""
    from aiohttp import web

    good = sorted((data / "images_dev").iterdir())
    hostile = sorted(p for p in (data / "images_hostile").iterdir() if p.suffix != ".tsv") if (data / "images_hostile").is_dir() else []

    def picture(path: Path) -> web.Response:
        return web.Response(body=path.read_bytes(), content_type=TYPES.get(path.suffix.lower(), "application/octet-stream"))

    async def handle(request: web.Request) -> web.StreamResponse:
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nAllow: /\n")
        url = f"http://{request.host}{request.path_qs}"
        if request.query.get("weft-redirected"):
            return picture(answer(url, good, good)[1])
        kind, path = answer(url, good, hostile)
        if kind == "missing":
            return web.Response(status=404)
        if kind == "redirect":
            raise web.HTTPFound(f"{request.path}?weft-redirected=1")
        if kind == "slow":
            await asyncio.sleep(60)
        return picture(path)

    runners = []

    async def start(context: ssl.SSLContext | None) -> int:
        app = web.Application()
        app.router.add_route("GET", "/{tail:.*}", handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)  # slow answers are not waited for
        await runner.setup()
        runners.append(runner)
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return int(site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]

    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        port = await listen(start, authority)
        print(json.dumps({"port": port, "authority": str(authority.path)}), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        for runner in runners:
            await runner.cleanup()


@contextmanager
def served(data: str) -> Iterator[tuple[int, str]]:
    """The server in a process of its own; yields its port and the file of the authority that signs for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.real", data, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdin is not None
        said = json.loads(process.stdout.readline())
        yield said["port"], said["authority"]
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(10)


def run(data: str, out: str, config: str, workers: int, overrides: list[str]) -> int:
    from pipelines.settings.config import load
    from weft.verbs.demo import at_server
    from weft.verbs.run import run_config

    own = [f'input.paths=["{data}/real_dev.warc.gz"]', f"runner.workers={workers}", "fetch.per_host_delay_s=0", "fetch.per_host_connections=8",
           "run.max_failure_share=0.05", "fetch.total_s=5", "fetch.retries=0", 'fetch.contact="tests@weft.example"', "input.unit_bytes=8000000"]  # fmt: skip
    with served(data) as (port, authority):
        os.environ["SSL_CERT_FILE"] = authority  # read when the first https URL is asked: here and in each worker process
        return run_config(at_server(load(config, [*own, *overrides]), port), out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("-o", "--output", default="runs/real")
    parser.add_argument("--config", default="configs/obelics.toml")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--set", dest="overrides", action="append", default=[])
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if a.serve:
        asyncio.run(serve(Path(a.data)))
        return 0
    return run(a.data, a.output, a.config, a.workers, a.overrides)


if __name__ == "__main__":
    raise SystemExit(main())
