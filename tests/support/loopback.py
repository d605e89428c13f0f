"""A web server on the loopback interface that serves files with ranges, and fails on request."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """`files` by path; `failures`: so many of the next GETs are answered with 503; `requests`: (path, range) seen."""

    def __init__(self, files: dict[str, bytes]):
        self.files, self.failures = files, 0
        self.requests: list[tuple[str, str]] = []
        self.url = ""


@contextmanager
def serve(files: dict[str, bytes]) -> Iterator[Server]:
    state = Server(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            data, wanted = state.files.get(self.path), self.headers.get("Range", "")
            state.requests.append((self.path, wanted))
            if body and state.failures > 0:
                state.failures -= 1
                return self.reply(503, b"slow down", body)
            if data is None:
                return self.reply(404, b"", body)
            if not wanted:
                return self.reply(200, data, body)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(data) - 1), len(data) - 1)
            self.reply(206, data[start : end + 1], body, f"bytes {start}-{end}/{len(data)}")

        def reply(self, status: int, data: bytes, body: bool, content_range: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Accept-Ranges", "bytes")
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
