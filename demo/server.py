"""Serves the web on loopback: any `Host` gets that site's pages' images, robots.txt and tdmrep.json, with each one's manners.

    with demo.server.serve(web) as server:
        server.port, server.requests()

The server runs in a process of its own, so that a fetcher's event loop and the server's never share one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from demo import assets
from demo.pictures import Picture
from demo.web import DemoError, DemoWeb, open_web

ROBOTS = "User-agent: *\nDisallow: /private/\nCrawl-delay: 0\n"
TDMREP = [{"location": "/reserved/*", "tdm-reservation": 1, "tdm-policy": "/tdm-policy.json"}]
START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    log: Path

    def requests(self) -> list[dict[str, Any]]:
        """Every request so far, in order: host, path, status, user_agent."""
        with open(self.log, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]


@contextmanager
def serve(web: DemoWeb | str | Path, port: int = 0, log: str | Path | None = None, keep: bool = False) -> Iterator[Server]:
    """Serve a built web until the block ends. `port` 0 takes a free one. `log` defaults to `requests.jsonl` in the web's folder.
    `keep` leaves rendered pictures in the web's folder, so that a benchmark's second run does not wait for a renderer.
    DemoError if the server does not start."""
    built = web if isinstance(web, DemoWeb) else open_web(web)
    where = Path(log) if log else built.folder / "requests.jsonl"
    command = [sys.executable, "-m", "demo", "serve", str(built.folder), "--port", str(port), "--log", str(where), "--until-stdin-closes"]
    command += ["--keep"] if keep else []
    root = str(Path(__file__).resolve().parent.parent)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=None, env=_env(root))
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            status = process.wait(START_SECONDS)
            raise DemoError(f"the image server of {built.folder} did not start (exit status {status}); is port {port} taken?")
        yield Server(json.loads(line)["port"], where)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _env(root: str) -> dict[str, str]:
    import os

    path = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{path}" if path else root}


def run(folder: str | Path, port: int = 0, log: str | Path | None = None, until_stdin_closes: bool = False, keep: bool = False) -> None:
    """Serve in this process until interrupted; prints one JSON line with the port."""
    asyncio.run(_main(open_web(folder), port, Path(log) if log else None, until_stdin_closes, keep))


async def _main(built: DemoWeb, port: int, log: Path | None, until_stdin_closes: bool, keep: bool) -> None:
    from aiohttp import web as http

    log_file = open(log, "w", encoding="utf-8", buffering=1) if log else None  # noqa: SIM115 (closed below)
    site = _Site(built, log_file, keep)
    app = http.Application()
    app.router.add_route("GET", "/{path:.*}", site.answer)
    runner = http.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        listener = http.TCPSite(runner, "127.0.0.1", port, backlog=1024)
        await listener.start()
        actual = runner.addresses[0][1]
        print(json.dumps({"port": actual, "pages": built.web.pages}), flush=True)
        if until_stdin_closes:
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        else:
            await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        if log_file:
            log_file.close()


class _Site:
    """Answers requests; all state is what `flaky` and `busy` pictures need (was it asked for before?)."""

    def __init__(self, built: DemoWeb, log: Any, keep: bool) -> None:
        self.web = built.web
        self.log = log
        self.asked: dict[str, int] = {}
        self.kept = built.folder / "rendered" if keep else None
        self.picture = lru_cache(maxsize=256)(assets.content_bytes if self.kept is None else self._kept)
        self.frame = lru_cache(maxsize=512)(assets.frame_bytes)
        self.bomb = lru_cache(maxsize=1)(assets.bomb)

    async def answer(self, request: Any) -> Any:
        host, path = request.host.rsplit(":", 1)[0].lower(), request.path
        response = await self._answer(request, host, path)
        if self.log:
            row = {"host": host, "path": path, "status": response.status, "user_agent": request.headers.get("User-Agent", "")}
            self.log.write(json.dumps(row) + "\n")
        return response

    async def _answer(self, request: Any, host: str, path: str) -> Any:
        from aiohttp import web as http

        if path == "/robots.txt":
            return http.Response(text=ROBOTS, content_type="text/plain")
        if path == "/.well-known/tdmrep.json":
            return http.json_response(TDMREP)
        if path.startswith("/moved/"):
            path = path.removeprefix("/moved")
            found = assets.content_picture(self.web, path)
            return self._image(found) if found else http.Response(status=404)
        if path.startswith("/loop/"):
            return http.Response(status=302, headers={"Location": path})
        found = assets.content_picture(self.web, path)
        if found is not None:
            if found.url.split("/", 3)[2] != host:
                return http.Response(status=404, text="no such picture on this host")
            return await self._behave(request, found, f"{host}{path}")
        made = self.frame(path)
        if made is None:
            return http.Response(status=404, text="nothing here")
        return http.Response(body=made[0], content_type=made[1])

    def _kept(self, p: Picture) -> bytes:
        """A picture's bytes, from the disk if they were made before. One process writes; a file is complete or not there."""
        assert self.kept is not None
        self.kept.mkdir(exist_ok=True)
        path = self.kept / hashlib.blake2b(p.url.encode(), digest_size=16).hexdigest()
        if not path.exists():
            fresh = path.with_suffix(".tmp")
            fresh.write_bytes(assets.content_bytes(p))
            fresh.rename(path)
        return path.read_bytes()

    def _image(self, p: Picture, headers: dict[str, str] | None = None) -> Any:
        from aiohttp import web as http

        kind = assets.TYPES[p.url.rsplit(".", 1)[1]]
        return http.Response(body=self.picture(p), content_type=kind, headers=headers)

    async def _behave(self, request: Any, p: Picture, key: str) -> Any:
        """One picture with the manners of its server."""
        from aiohttp import web as http

        path = request.path
        first = self.asked.get(key, 0) == 0
        if p.behaviour in ("flaky", "busy"):
            self.asked[key] = 1
        match p.behaviour:
            case "redirect":
                return http.Response(status=301, headers={"Location": f"/moved{path}"})
            case "loop":
                return http.Response(status=302, headers={"Location": f"/loop{path}"})
            case "private":
                return http.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
            case "slow":
                await asyncio.sleep(0.4)
                return self._image(p)
            case "flaky" if first:
                return http.Response(status=503)
            case "busy" if first:
                return http.Response(status=429, headers={"Retry-After": "1"})
            case "missing":
                return http.Response(status=404, text="not found")
            case "gone":
                return http.Response(status=410, text="gone")
            case "html":
                return http.Response(text="<html><body>Please sign in.</body></html>", content_type="text/html")
            case "empty":
                return http.Response(body=b"", content_type="image/jpeg")
            case "svg":
                text = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"><circle cx="150" cy="150" r="90"/></svg>'
                return http.Response(text=text, content_type="image/svg+xml")
            case "garbage":
                return http.Response(body=bytes(range(256)) * 40, content_type="image/jpeg")
            case "bomb":
                return http.Response(body=self.bomb(), content_type="image/png")
            case "mislabelled":
                return http.Response(body=self.picture(p), content_type="application/octet-stream")
            case "truncated":
                body = self.picture(p)
                return http.Response(body=body[: len(body) * 2 // 5], content_type=assets.TYPES[p.url.rsplit(".", 1)[1]])
            case "endless":
                return await self._endless(request)
            case "noai" | "noimageai":
                return self._image(p, {"X-Robots-Tag": p.behaviour})
            case "tdm":
                return self._image(p, {"tdm-reservation": "1"})
        return self._image(p)

    async def _endless(self, request: Any) -> Any:
        """A body that never ends, as fast as it is read, up to 64 MiB (a fetcher must stop at its own cap)."""
        from aiohttp import web as http

        response = http.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        try:
            for _ in range(1024):
                await response.write(b"\xff\xd8\xff\xe0" * 16384)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the reader has had enough: that is what this picture is for
        return response
