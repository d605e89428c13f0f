"""One answer of a server as it arrives: parsed by llhttp (httptools), bounded in head, body, time and rate.

Framing is llhttp's strict one: an answer with both a length and chunks, or two lengths, is no answer. Of what servers get wrong without
harm only what browsers take too is let through: spaces in header values, and lines that end with a bare line feed.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

from httptools import HttpParserError, HttpResponseParser

from pipelines.web.fetch.addresses import PUBLIC
from pipelines.web.fetch.answer import REDIRECT, STALE, Answer, Bounds, StopOn, words
from pipelines.web.fetch.body import Body, inflated

MAX_LINE = 8 << 10  # bytes of one header
MAX_HEADERS = 128
_REDIRECTS = frozenset((301, 302, 303, 307, 308))


class Reply:
    """What is asked of one connection at a time. `future` gets the Answer; `reusable` says whether the connection may be asked again."""

    __slots__ = (
        "_body", "_bounds", "_coding", "_complete", "_fed", "_given", "_head", "_headers", "_informs", "_keep", "_open_end", "_parser",
        "_seen", "_since", "_stop_on", "_url", "deadline", "future", "reused",
    )  # fmt: skip

    def __init__(self, url: str, bounds: Bounds, stop_on: StopOn | None, deadline: float, loop: asyncio.AbstractEventLoop, reused: bool):
        self._url, self._bounds, self._stop_on, self.deadline, self.reused = url, bounds, stop_on, deadline, reused
        self.future: asyncio.Future[Answer] = loop.create_future()
        self._parser: Any = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_headers=True, lenient_optional_cr_before_lf=True)
        self._headers: list[tuple[str, str]] = []
        self._given: dict[str, str] = {}
        self._head = self._fed = 0
        self._seen: Answer | None = None  # once the head is here
        self._body: Body | None = None
        self._coding, self._since = "", 0.0
        self._informs = self._open_end = self._complete = self._keep = False

    @property
    def reusable(self) -> bool:
        """The whole answer is here, nothing behind it, and the server keeps the connection."""
        return self._complete and self._keep

    def release(self) -> None:
        """No more will be fed. The parser knows this object, so with its body it would stay until the garbage collector comes."""
        self._parser = None

    def feed(self, data: memoryview) -> None:
        if self.future.done():
            self._keep = False  # more than was asked for
            return
        self._fed += len(data)
        if self._seen is None and self._fed > self._bounds.max_header_bytes + len(data):
            return self._end(words("bad response", self._url, detail="the head is too long"))
        try:
            self._parser.feed_data(data)
        except HttpParserError as e:
            self._keep = False  # also where the answer is whole and something else is behind it
            if not self._complete and not self.future.done():
                self._end(words("bad response", self._url, detail=str(e.__context__ or e)[:200]))
        if self._complete and not self.future.done():
            self._end(self._whole())
        elif self._seen is not None and self._body is None and not self.future.done():
            self._end(self._seen)  # nobody waits for the body of a refusal or a redirect

    def lost(self, error: BaseException | None) -> None:
        """The connection is gone."""
        self._keep = False
        if self.future.done():
            return
        if self._seen is None:
            stale = self.reused and not self._fed  # closed by the server before it heard of us
            return self._end(words(STALE if stale else "connection reset", self._url))
        if error is None and self._open_end:
            return self._end(self._whole())
        self._end(self._seen._replace(status="truncated body" if error is None else "connection reset"))

    def check(self, now: float) -> None:
        """Called every so often: is there still time, and is it fast enough?"""
        if now >= self.deadline:
            self._end(words("timeout", self._url))
        elif self._body is not None and (passed := now - self._since) > self._bounds.rate_grace_s:
            if self._body.size < passed * self._bounds.min_bytes_per_s:
                self._end((self._seen or words("", self._url))._replace(status="too slow"))

    def _end(self, answer: Answer) -> None:
        if self._body is not None:
            self._body.drop()
        if not self.future.done():
            self.future.set_result(answer)

    # what the parser calls

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        size = len(name) + len(value)
        self._head += size + 4
        if size > MAX_LINE:
            raise ValueError(f"a header of {size} bytes")
        if self._head > self._bounds.max_header_bytes or len(self._headers) >= MAX_HEADERS:
            raise ValueError("the head is too long")
        if name[-1:] in (b" ", b"\t"):
            raise ValueError("a space before a colon")
        if self._seen is not None:
            return  # a trailer
        header = name.decode("latin-1"), value.decode("utf-8", "surrogateescape")
        self._headers.append(header)
        self._given.setdefault(header[0].lower(), header[1])

    def on_headers_complete(self) -> None:
        status, given, b = self._parser.get_status_code(), self._given, self._bounds
        if status < 200:
            if status == 101:
                raise ValueError("another protocol")
            self._informs, self._headers, self._given = True, [], {}
            return
        headers = tuple(self._headers)
        if status in _REDIRECTS and "location" in given:
            try:
                to = urljoin(self._url, given["location"].strip())
            except ValueError:
                raise ValueError("a redirect to no URL") from None
            self._seen = Answer(REDIRECT, status, to, 0, PUBLIC, "", headers, b"", 0.0, "")
            return
        after = _retry_after(given["retry-after"]) if "retry-after" in given else 0.0
        seen = Answer("success", status, self._url, 0, PUBLIC, given.get("content-type", "")[:200], headers, b"", after, "")
        length = given.get("content-length", "")
        if not 200 <= status < 300:
            seen = seen._replace(status=f"http {status}")
        elif self._stop_on is not None and (why := self._stop_on(headers)):
            seen = seen._replace(status=why)
        elif length.isdecimal() and int(length) > b.max_bytes and not b.keep_cut:
            seen = seen._replace(status="too large", detail=f"Content-Length {length[:20]}")
        else:
            self._body, self._since = Body(), time.monotonic()
            self._coding = given.get("content-encoding", "").strip().lower()
            self._open_end = not length and "chunked" not in given.get("transfer-encoding", "").lower()
        self._seen = seen

    def on_body(self, piece: bytes) -> None:
        body = self._body
        if body is None or self.future.done():
            return
        body.add(piece)
        if body.size > self._bounds.max_bytes:
            self._end(self._whole() if self._bounds.keep_cut else (self._seen or words("", self._url))._replace(status="too large"))

    def on_message_complete(self) -> None:
        if self._informs:
            self._informs = False
            return
        self._complete, self._keep = True, self._parser.should_keep_alive()

    def _whole(self) -> Answer:
        seen = self._seen
        assert seen is not None
        if self._body is None:
            return seen
        data = self._body.take(self._bounds.max_bytes)
        if self._coding not in ("", "identity") and data:
            return inflated(data, self._coding, seen, self._bounds)
        return seen._replace(body=data) if data else seen._replace(status="empty")


def _retry_after(value: str) -> float:
    try:
        if value.strip().isdecimal():
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time()) if value else 0.0
    except (ValueError, TypeError, OverflowError):
        return 0.0
