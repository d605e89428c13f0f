"""ARC version 1, the format before WARC: one line (URL, IP address, date, media type, length), then as many bytes.

FastWARC 2 does not read it. Common Crawl's first archives (2008-2012) and much of the Internet Archive are ARC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.web.members import GZIP, first_bytes, inflate
from pipelines.web.records import RESPONSE, Problem, Record
from pipelines.web.source import Source

# URL may hold blanks (crawlers did not always escape them), so the line is read from its end.
_TAIL = rb" (?P<ip>[0-9a-fA-F.:]+|-) (?P<date>\d{8,17}) (?P<type>\S+)(?: [^\r\n]*?)? (?P<length>\d{1,15})\r?\n"
LINE = re.compile(rb"(?P<url>[a-zA-Z][a-zA-Z0-9+.-]*:[^\r\n]*?)" + _TAIL)
FIND = re.compile(rb"(?:\A|\n)(?=[a-zA-Z][a-zA-Z0-9+.-]*:[^\r\n]{0,4000}?" + _TAIL + rb")")
MAX_LINE = 8 << 10
SCAN = 1 << 20


def is_record_line(data: bytes) -> bool:
    """Whether `data` begins with an ARC record line, or with as much of one as 16 bytes can show (`filedesc:`)."""
    return data.startswith(b"filedesc:") or LINE.match(data) is not None


def read(source: Source, gzipped: bool, cap: int, start: int = 0, end: int = 1 << 62) -> Iterator[Record | Problem]:
    """Records whose first byte lies in [start, end). The version block (`filedesc:`) is no record."""
    end = min(end, source.size)
    yield from _gzipped(source, start, end, cap) if gzipped else _plain(source, start, end, cap)


def iso_date(date: str) -> str:
    """14 digits (or fewer, or more) as ISO 8601; what is missing is its first moment."""
    d = (date + "00000101000000"[len(date) :])[:14] if len(date) < 14 else date[:14]
    return f"{d[:4]}-{d[4:6]}-{d[6:8]}T{d[8:10]}:{d[10:12]}:{d[12:14]}Z"


def _make(m: re.Match[bytes], offset: int, length: int, block: bytes, size: int) -> Record | None:
    url = m["url"].decode("utf-8", "replace")
    if url.startswith("filedesc:"):
        return None
    problem = "" if len(block) == size else "truncated"
    message = f"{len(block)} of {size} bytes" if problem else ""
    return Record(RESPONSE, url, iso_date(m["date"].decode()), offset, length, block, block[:5] == b"HTTP/", problem, message)


def _plain(source: Source, at: int, end: int, cap: int) -> Iterator[Record | Problem]:
    while at < end:
        head = source.read_at(at, min(MAX_LINE, end - at))
        blank = len(head) - len(head.lstrip(b"\r\n"))
        if blank == len(head):
            return
        at += blank
        m = LINE.match(head, blank)
        if m is None:
            go_on = _next_line(source, at + 1, end)
            yield Problem("garbage", at, go_on - at, f"{go_on - at} bytes that are no ARC record")
            at = go_on
            continue
        body, size = at + m.end() - blank, int(m["length"])
        stop = body + size
        problem = ""
        if stop < end and not _sound(source, stop, end):
            stop, problem = _next_line(source, body, end), "bad_length"
        block = source.read_at(body, min(size if not problem else stop - body, cap, end - body))
        record = _make(m, at, min(stop, end) - at, block, size)
        if record is not None:
            if size > cap and not problem:
                record = record._replace(problem="too_large", message=f"{size} bytes, the limit is {cap}")
            elif problem:
                record = record._replace(problem=problem, message=f"the length {size} does not lead to another record")
            yield record
        elif stop > end:
            yield Problem("truncated", at, end - at, f"{end - body} of {size} bytes")
        at = stop


def _sound(source: Source, stop: int, end: int) -> bool:
    """A record is followed by an empty line, by another record or by the end of the file."""
    after = source.read_at(stop, min(MAX_LINE, end - stop))
    return not after or after.startswith((b"\n", b"\r\n")) or LINE.match(after) is not None


def _next_line(source: Source, at: int, end: int) -> int:
    start = at
    while at < end:
        back = 1 if at else 0
        data = source.read_at(at - back, SCAN + MAX_LINE)
        for m in FIND.finditer(data):
            found = at - back + m.end()
            if found >= start and (m.end() > m.start() or at == 0):
                return min(found, end)
        at += SCAN
    return end


def _gzipped(source: Source, at: int, end: int, cap: int) -> Iterator[Record | Problem]:
    while at < end:
        if source.read_at(at, 2) != GZIP[:2]:
            go_on = _next_member(source, at + 1, end)
            yield Problem("garbage", at, go_on - at, f"{go_on - at} bytes that are no ARC record")
            at = go_on
            continue
        member = inflate(source, at, end, cap + (1 << 16))
        go_on = at + member.used if member.complete else _next_member(source, at + 1, end)
        data, found = member.data.lstrip(b"\r\n"), 0
        while data:
            m = LINE.match(data)
            if m is None:
                if not found or data.strip(b"\r\n"):
                    yield Problem("garbage", at, go_on - at, f"no ARC record line in {data[:40]!r}")
                break
            found += 1
            size = int(m["length"])
            block = data[m.end() : m.end() + size]
            record = _make(m, at, go_on - at, block, size)
            if record is not None:
                if member.error and record.problem:
                    record = record._replace(problem="too_large" if "more than" in member.error else "corrupt", message=member.error)
                yield record
            elif len(block) < size:
                yield Problem("truncated", at, go_on - at, f"{len(block)} of {size} bytes")
            data = data[m.end() + size :].lstrip(b"\r\n")
        if not found and not member.data:
            yield Problem("truncated", at, go_on - at, f"damaged member: {member.error or 'empty'}")
        at = go_on


def _next_member(source: Source, at: int, end: int) -> int:
    while at < end:
        data = source.read_at(at, SCAN + 4096)
        here = data.find(GZIP)
        while 0 <= here < SCAN and at + here < end:
            if is_record_line(first_bytes(data[here : here + 4096], 2048)):
                return at + here
            here = data.find(GZIP, here + 1)
        at += SCAN
    return end
