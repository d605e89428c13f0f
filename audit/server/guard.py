"""Who may ask, and what a browser may do with the answer. Every response passes here."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

PAGE = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A crawled page: no script, no form, no frame, no way out, an origin of its own. Its images come from our blobs only.
CRAWLED = (
    "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
IMAGE = "sandbox; default-src 'none'"
HOSTS = ("127.0.0.1", "localhost", "[::1]")

ASGI = Callable[[dict[str, Any], Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]], Awaitable[None]]


def key_of(token: str, what: str) -> str:
    """The key in the address of one picture: a sandboxed frame sends no cookie."""
    return hmac.new(token.encode(), what.encode(), hashlib.sha256).hexdigest()[:32]


class Guard:
    """GET and HEAD only; Host must be loopback (DNS rebinding); the start token, or the cookie it was traded for, on every request."""

    def __init__(self, app: ASGI, token: str, cookie: str = "weft"):
        self.app, self.token, self.cookie = app, token, cookie

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send) if scope["type"] == "lifespan" else None
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        host = headers.get("host", "")
        if (host.rsplit(":", 1)[0] if not host.endswith("]") else host) not in HOSTS:
            return await _refuse(send, 421, "This server answers to 127.0.0.1 and localhost only.")
        if scope["method"] not in ("GET", "HEAD"):
            return await _refuse(send, 405, "Read-only: GET and HEAD.")
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        given = query.get("token", [""])[0]
        if given and hmac.compare_digest(given.encode(), self.token.encode()):
            cookie = f"{self.cookie}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            return await _answer(send, 303, b"", [(b"location", scope["path"].encode() or b"/"), (b"set-cookie", cookie.encode())])
        if not self._known(headers.get("cookie", ""), scope["path"], query.get("k", [""])[0]):
            return await _refuse(send, 403, "Open the address that `weft serve` printed: it carries the token that opens this page.")

        async def guarded(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_wall(scope["path"])]
            await send(message)

        await self.app(scope, receive, guarded)

    def _known(self, cookies: str, path: str, key: str) -> bool:
        if path.startswith("/blob/") and hmac.compare_digest(key.encode(), key_of(self.token, path.removeprefix("/blob/")).encode()):
            return True
        own = [c.strip().partition("=") for c in cookies.split(";")]
        return any(n == self.cookie and hmac.compare_digest(v.encode(), self.token.encode()) for n, _, v in own)


def _wall(path: str) -> list[tuple[bytes, bytes]]:
    policy = CRAWLED if path.startswith("/render/") else IMAGE if path.startswith("/blob/") else PAGE
    return [
        (b"content-security-policy", policy.encode()), (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"), (b"x-dns-prefetch-control", b"off"), (b"cache-control", b"no-store"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
    ]  # fmt: skip


async def _refuse(send: Any, status: int, text: str) -> None:
    await _answer(send, status, text.encode(), [(b"content-type", b"text/plain; charset=utf-8"), *_wall("/")])


async def _answer(send: Any, status: int, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
