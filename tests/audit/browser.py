"""A real Chromium over a served run, counting what crawled pages must not do."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest


def chromium() -> str:
    path = os.environ.get("WEFT_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium on this machine (set WEFT_CHROMIUM)")
    return path


@contextlib.contextmanager
def served(run: str, beside: str | None = None, token: str = "start-token") -> Iterator[str]:
    """The explorer on a free port of loopback; gives its address."""
    import uvicorn

    from audit.run import Run
    from audit.server.app import create

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create(Run(run), token, Run(beside) if beside else None), log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(5)


class Watch:
    """Requests that leave loopback, scripts that ran, and complaints of the browser about our own pages."""

    def __init__(self, page: Any, base: str):
        self.outside: list[str] = []
        self.errors: list[str] = []
        self.base = base
        page.context.on("request", self._request)
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("dialog", lambda d: (self.errors.append("dialog"), d.dismiss()))
        page.context.on("page", lambda p: self.errors.append(f"a new window {p.url}"))

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "about", "blob") and f"{parts.scheme}://{parts.netloc}" != self.base:
            self.outside.append(request.url)


@contextlib.contextmanager
def opened(base: str, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True) -> Iterator[tuple[Any, Watch]]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        flags = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ]
        browser = p.chromium.launch(executable_path=chromium(), args=flags)
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", java_script_enabled=script
        )
        page = context.new_page()
        watch = Watch(page, base)
        page.goto(f"{base}/?token=start-token")
        yield page, watch
        browser.close()


def frames(page: Any, base: str, ids: list[str], at_once: int = 24) -> None:
    """Load the originals of `ids` in frames of one of our pages, without the frame's own sandbox: what holds is the answer's policy."""
    for start in range(0, len(ids), at_once):
        page.goto(f"{base}/limits", wait_until="load")
        page.evaluate(
            """ids => Promise.all(ids.map(id => new Promise(done => {
                 const f = document.createElement("iframe"); f.onload = done; f.src = "/render/" + id; document.body.append(f); setTimeout(done, 8000); })))""",
            ids[start : start + at_once],
        )
