"""A stored HTTP response taken apart: status, headers, body; transfer and content encodings undone within bounds.

Archives disagree about what they store: Common Crawl keeps decoded bodies and renames the headers, others keep the headers and
decode the body, others keep both as sent. So an encoding is undone when the bytes carry its mark, and what a header alone
claims is not believed.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

BODY_CAP = 10 << 20  # bytes of a decoded body
RATIO_CAP = 200  # decoded / encoded, from FREE_BYTES on
FREE_BYTES = 1 << 20
HEAD_CAP = 256 << 10
LAYERS = 3  # Content-Encoding: gzip, gzip, ...

_STATUS = re.compile(rb"(?:HTTP/\d(?:\.\d)?|ICY)[ \t]+(\d{3})(?:[ \t]|\r|\n|\Z)", re.IGNORECASE)
_END = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(r"\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,]+)", re.IGNORECASE)
_CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|link|div|table|p|a|h1|br|!--)[\s>/]?", re.IGNORECASE)
_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_UNSURE_TYPES = (  # say nothing about what is inside
    "", "text/plain", "application/octet-stream", "unk", "unknown/unknown", "application/unknown", "text/xml", "application/xml",
)  # fmt: skip
_BINARY = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x00\x00\x01\x00", b"\x1f\x8b", b"%!PS", b"\x7fELF",
           b"Rar!", b"7z\xbc\xaf", b"OggS", b"ID3", b"wOF", b"CWS", b"FWS", b"BM", b"\x00\x00\x00")  # fmt: skip


class HttpError(ValueError):
    """The response cannot be decoded; `kind` is too_large | expansion | bad_http."""

    def __init__(self, kind: str, message: str):
        super().__init__(message)
        self.kind = kind


class Response(NamedTuple):
    status: int  # 0: no status line (HTTP/0.9, or a body alone)
    headers: tuple[tuple[str, str], ...]  # names in lower case, in order
    body: bytes  # decoded
    partial: bool = False  # the encoded body ended early; what could be decoded is here

    def header(self, name: str) -> str:
        """The first value of a header; "" if absent."""
        for own, value in self.headers:
            if own == name:
                return value
        return ""

    @property
    def media_type(self) -> str:
        return self.header("content-type").split(";", 1)[0].strip().lower()

    @property
    def charset(self) -> str:
        """The charset parameter of Content-Type, as written."""
        m = _CHARSET.search(self.header("content-type"))
        return m[1] if m else ""


def split(block: bytes) -> tuple[memoryview, memoryview]:
    """(head, body) of a stored response, as parts of it; without a status line all is body."""
    whole = memoryview(block)
    if _STATUS.match(block, 0, HEAD_CAP) is None:
        return whole[:0], whole
    end = _END.search(block, 0, HEAD_CAP)
    return (whole[: end.start()], whole[end.end() :]) if end else (whole[:HEAD_CAP], whole[:0])


def parse(block: bytes, body_cap: int = BODY_CAP) -> Response:
    """A response from the bytes of its record. HttpError if its body grows beyond the bounds."""
    head, body = split(block)
    return response(bytes(head), bytes(body), body_cap)


def response(head: bytes, body: bytes, body_cap: int = BODY_CAP) -> Response:
    """The same from what `split` makes of it."""
    m = _STATUS.match(head)
    if m is None:
        if body[:5].upper() == b"HTTP/":
            raise HttpError("bad_http", f"no status in {body[:60]!r}")
        return Response(0, (), _capped(body, body_cap))
    headers = _headers(head)
    found = Response(int(m[1]), headers, body)
    partial = False
    if "chunked" in found.header("transfer-encoding").lower():
        body, partial = dechunk(body)
    names = [n.strip() for n in ",".join(v for k, v in headers if k == "content-encoding").lower().split(",") if n.strip()]
    if len(names) > LAYERS:
        raise HttpError("expansion", f"{len(names)} content encodings, at most {LAYERS} are undone")
    for name in reversed(names):
        body, cut = decompress(body, name, body_cap)
        partial = partial or cut
    return found._replace(body=_capped(body, body_cap), partial=partial)


def _capped(body: bytes, cap: int) -> bytes:
    if len(body) > cap:
        raise HttpError("too_large", f"the body has {len(body)} bytes, the limit is {cap}")
    return body


def _headers(head: bytes) -> tuple[tuple[str, str], ...]:
    out: list[tuple[str, str]] = []
    for line in _LINE.split(_text(head))[1:]:
        if line[:1] in (" ", "\t") and out:
            out[-1] = (out[-1][0], f"{out[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            out.append((name.strip().lower(), value.strip()))
    return tuple(out)


def _text(head: bytes) -> str:
    try:
        return head.decode("utf-8")
    except UnicodeDecodeError:
        return head.decode("latin-1")


def dechunk(body: bytes) -> tuple[bytes, bool]:
    """(body, ended early). A body that does not begin with a chunk size was stored without its chunks and is returned as it is."""
    out: list[bytes] = []
    at = 0
    while (m := _CHUNK.match(body, at)) is not None:
        size = int(m[1], 16)
        if size == 0:
            return b"".join(out), False
        piece = body[m.end() : m.end() + size]
        out.append(piece)
        at = m.end() + size
        if len(piece) < size:
            return b"".join(out), True
        if body[at : at + 2] == b"\r\n":
            at += 2
        elif body[at : at + 1] == b"\n":
            at += 1
    if not out:
        return body, False
    return b"".join(out) + (b"" if at >= len(body) else body[at:]), True


def decompress(data: bytes, encoding: str, cap: int = BODY_CAP) -> tuple[bytes, bool]:
    """(decoded, ended early). Data that does not carry the encoding's mark is returned as it is. HttpError beyond the bounds."""
    if not data:
        return data, False
    if encoding in ("gzip", "x-gzip"):
        return _zlib(data, 31, cap) if data[:2] == b"\x1f\x8b" else (data, False)
    if encoding == "deflate":
        return _deflate(data, cap)
    if encoding == "br":
        return _brotli(data, cap)
    if encoding == "zstd":
        return _zstd(data, cap) if data[:4] == b"\x28\xb5\x2f\xfd" else (data, False)
    return data, False  # identity, utf-8 and other mistakes


def _check(total: int, used: int, cap: int) -> None:
    if total > cap:
        raise HttpError("too_large", f"the body decodes to more than {cap} bytes")
    if total > FREE_BYTES and total > RATIO_CAP * max(used, 1):
        raise HttpError("expansion", f"the body expands more than {RATIO_CAP} times")


def _zlib(data: bytes, wbits: int, cap: int) -> tuple[bytes, bool]:
    out: list[bytes] = []
    total, rest = 0, data
    while rest:
        engine = zlib.decompressobj(wbits)
        while not engine.eof:
            try:
                piece = engine.decompress(rest, 1 << 18)
            except zlib.error:
                return (b"".join(out), True) if out else (data, False)
            rest = engine.unconsumed_tail
            total += len(piece)
            out.append(piece)
            _check(total, len(data) - len(rest), cap)
            if not rest and not engine.eof and not piece:
                return b"".join(out), True
        rest = engine.unused_data if wbits == 31 and engine.unused_data[:2] == b"\x1f\x8b" else b""
    return b"".join(out), False


def _deflate(data: bytes, cap: int) -> tuple[bytes, bool]:
    """zlib by the standard, bare deflate by the practice of some servers."""
    if data[0] & 0x0F == 8 and (data[0] << 8 | data[1] if len(data) > 1 else 1) % 31 == 0:
        out = _zlib(data, 15, cap)
        if out[0] is not data:
            return out
    return (data, False) if _HTML.search(data[:512]) else _zlib(data, -15, cap)


def _brotli(data: bytes, cap: int) -> tuple[bytes, bool]:
    import brotli

    if _HTML.search(data[:512]):  # brotli has no mark; readable text is not brotli
        return data, False
    engine = brotli.Decompressor()
    out: list[bytes] = []
    total = at = 0
    try:
        while not engine.is_finished():
            piece = b""
            if engine.can_accept_more_data():
                feed = data[at : at + 65536]
                if not feed:
                    return (b"".join(out), True) if out else (data, False)
                at += len(feed)
                piece = engine.process(feed, output_buffer_limit=1 << 18)
            else:
                piece = engine.process(b"", output_buffer_limit=1 << 18)
            total += len(piece)
            out.append(piece)
            _check(total, at, cap)
    except brotli.error:
        return (b"".join(out), True) if total else (data, False)
    return b"".join(out), False


def _zstd(data: bytes, cap: int) -> tuple[bytes, bool]:
    import zstandard

    out: list[bytes] = []
    total = at = 0
    rest = data
    try:
        while rest[:4] == b"\x28\xb5\x2f\xfd":
            engine = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            while not engine.eof:
                feed = data[at : at + 128]  # small, because a few bytes may stand for a block of 128 KiB
                if not feed:
                    return b"".join(out), True
                at += len(feed)
                out.append(engine.decompress(feed))
                total += len(out[-1])
                _check(total, at, cap)
            at -= len(engine.unused_data)
            rest = data[at : at + 4]
    except zstandard.ZstdError:
        return (b"".join(out), True) if total else (data, False)
    return b"".join(out), False


def is_html(response: Response) -> bool:
    """Whether the body is an HTML page: by media type, or by its first kilobyte where the type says nothing."""
    body = response.body
    start = body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start or start.startswith(_BINARY):
        return False
    if response.media_type in _HTML_TYPES:
        return body[:2] in (b"\xff\xfe", b"\xfe\xff") or start.count(0) < max(1, len(start) // 10)
    return response.media_type in _UNSURE_TYPES and b"\x00" not in start and _looks_html(start)


def _looks_html(start: bytes) -> bool:
    low = start.lower()
    return low.startswith((b"<!doctype html", b"<html")) or b"<html" in low or b"<!doctype html" in low
