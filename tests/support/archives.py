"""Small archives made by hand for the tests of reading."""

from __future__ import annotations

import gzip


def http(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(h + b"\r\n" for h in (headers or (b"Content-Type: text/html",))) + b"\r\n" + body


def warc(number: int, block: bytes | None = None, kind: bytes = b"response", length: int | None = None, extra: bytes = b"") -> bytes:
    """One WARC record; `length` lies about its size."""
    block = http(b"<html><p>page %d</p></html>" % number) if block is None else block
    head = (
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: http://site.example/%d\r\nWARC-Record-ID: <urn:uuid:%d>\r\n"
        b"WARC-Date: 2024-05-01T00:00:%02dZ\r\nContent-Type: application/http; msgtype=response\r\n%sContent-Length: %d\r\n\r\n"
        % (kind, number, number, number % 60, extra, len(block) if length is None else length)
    )
    return head + block + b"\r\n\r\n"


def arc(number: int, block: bytes | None = None, length: int | None = None) -> bytes:
    block = http(b"<html><p>page %d</p></html>" % number) if block is None else block
    size = len(block) if length is None else length
    return b"http://site.example/%d 127.0.0.1 20240501000000 text/html %d\n" % (number, size) + block + b"\n"


ARC_BODY = b"1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n"
ARC_HEAD = b"filedesc://a.arc 0.0.0.0 20240501000000 text/plain %d\n" % len(ARC_BODY) + ARC_BODY + b"\n"


def gz(*records: bytes) -> bytes:
    """One gzip member a record."""
    return b"".join(gzip.compress(r, mtime=0) for r in records)
