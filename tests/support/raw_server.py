"""A server that sends bytes as they are told, to judge the transport's own HTTP through real sockets."""

from __future__ import annotations

import asyncio

from pipelines.web.fetch.answer import Bounds
from pipelines.web.fetch.transport import HttpTransport
from tests.support.hostile_server import AGENT, IMAGE, HostileServer

BOUNDS = Bounds(max_bytes=1 << 20, total_s=3, connect_s=2, rate_grace_s=0.5)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"

# what a server sends -> (status, body or detail); %s stands for the body's length
ANSWERS = {
    "plain": (OK + b"Content-Length: 3\r\n\r\nabc", "success", b"abc"),
    "bare-line-feeds": (b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", "success", b"abc"),
    "old": (b"HTTP/1.0 200 OK\r\n\r\nabc", "success", b"abc"),  # ends with the connection
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nX-Trailer: 1\r\n\r\n", "success", b"abc"),
    "early-hints": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 3 + OK + b"Content-Length: 3\r\n\r\nabc", "success", b"abc"),
    "nothing": (b"HTTP/1.1 204 No Content\r\n\r\n", "empty", b""),
    "not-modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "http 304", b""),
    "redirect-nowhere": (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "http 302", b""),
    "redirect-bad": (b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n\r\n", "bad response", b""),
    "short-chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "truncated body", b""),
    "two-lengths": (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "bad response", b""),
    "length-and-chunks": (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "bad response", b""),
    "chunks-and-length": (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "bad response", b""),
    "negative-length": (OK + b"Content-Length: -3\r\n\r\nabc", "bad response", b""),
    "plus-length": (OK + b"Content-Length: +3\r\n\r\nabc", "bad response", b""),
    "huge-chunk-size": (OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc", "bad response", b""),
    "space-before-colon": (OK + b"Content-Length : 3\r\n\r\nabc", "bad response", b""),
    "another-protocol": (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nabc", "bad response", b""),
    "hints-for-ever": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 4000, "bad response", b""),
    "header-of-9k": (OK + b"X-Long: " + b"a" * 9_000 + b"\r\n\r\n", "bad response", b""),
    "head-of-66k": (OK + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 6_000) for i in range(11)) + b"\r\n", "bad response", b""),
    "head-of-60k": (OK + b"".join(b"X-%d: %s\r\n" % (i, b"a" * 6_000) for i in range(10)) + b"Content-Length: 1\r\n\r\na", "success", b"a"),
    "129-headers": (OK + b"X: 1\r\n" * 129 + b"\r\n", "bad response", b""),
    "no-http": (b"SSH-2.0-OpenSSH_9\r\n", "bad response", b""),
    "closes": (b"", "connection reset", b""),
    "closes-in-head": (OK, "connection reset", b""),
}  # fmt: skip


class Raw(HostileServer):
    """/raw/<name>: those bytes, then the end; /slowly/<name>: a byte at a time; /pair: an answer, and one nobody asked for behind it."""

    async def _do_raw(self, seen, w):
        w.write(ANSWERS[seen.path.split("/")[2]][0])
        await w.drain()
        return False

    async def _do_slowly(self, seen, w):
        for byte in ANSWERS[seen.path.split("/")[2]][0]:
            w.write(bytes([byte]))
            await w.drain()
            await asyncio.sleep(0)
        return False

    async def _do_pair(self, seen, w):
        first = OK + b"Content-Length: 5\r\n\r\nfirst"
        w.write(first + OK + b"Content-Length: 6\r\n\r\npoison")
        await w.drain()
        return True

    async def _do_late_pair(self, seen, w):
        w.write(OK + b"Content-Length: 5\r\n\r\nfirst")
        await w.drain()
        await asyncio.sleep(0.1)
        w.write(OK + b"Content-Length: 6\r\n\r\npoison")
        return True

    async def _do_once(self, seen, w):
        """An answer, then the connection is closed as soon as the next request comes on it: a kept connection that is stale."""
        await self._do_ok(seen, w)
        self.closing = getattr(self, "closing", set()) | {w}
        return True

    async def _do_ok(self, seen, w):
        w.write(OK + b"Content-Length: %d\r\n\r\n" % len(IMAGE) + IMAGE)
        await w.drain()
        return True

    async def _answer(self, seen, w):
        if w in getattr(self, "closing", ()):
            return False
        return await super()._answer(seen, w)

    async def _do_stalls(self, seen, w):
        w.write(OK + b"Content-Length: 5000\r\n\r\n" + b"x" * 100)
        await w.drain()
        await asyncio.sleep(30)
        return False

    async def _do_mute(self, seen, w):
        await asyncio.sleep(30)
        return False


def ask(server, *urls, bounds=BOUNDS, pause=0.0, **options):
    """The answers to URLs asked for one after another through one transport."""

    async def main():
        transport = HttpTransport(AGENT, bounds, {"*": server.address}, **options)
        out = []
        try:
            for url in urls:
                out.append(await transport.get(url))
                await asyncio.sleep(pause)
            return out
        finally:
            await transport.close()

    return asyncio.run(main())
