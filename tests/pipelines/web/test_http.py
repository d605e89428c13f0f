from __future__ import annotations

import gzip
import random
import tracemalloc
import zlib

import brotli
import pytest
import zstandard

from pipelines.web.http import BODY_CAP, HEAD_CAP, HttpError, dechunk, is_html, parse, split
from tests.support.archives import http

PAGE = b"<!doctype html><html><title>t</title><p>" + "größer ".encode() * 300 + b"</html>"


def chunked(body: bytes, size: int = 100, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in (body[i : i + size] for i in range(0, len(body), size))) + end


def raw_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-15)
    return engine.compress(data) + engine.flush()


ENCODINGS = {
    b"gzip": gzip.compress, b"x-gzip": gzip.compress, b"br": brotli.compress, b"zstd": zstandard.compress, b"deflate": zlib.compress,
}  # fmt: skip


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("chunks", [False, True])
def test_encodings(name, chunks):
    body = ENCODINGS[name](PAGE)
    headers = [b"Content-Type: text/html", b"Content-Encoding: " + name] + ([b"Transfer-Encoding: chunked"] if chunks else [])
    got = parse(http(chunked(body) if chunks else body, *headers))
    assert got.body == PAGE and not got.partial and got.status == 200


def test_nested_and_bare_deflate_and_several_members():
    assert parse(http(brotli.compress(gzip.compress(PAGE)), b"Content-Encoding: gzip, br")).body == PAGE
    assert parse(http(raw_deflate(PAGE), b"Content-Encoding: deflate")).body == PAGE
    assert parse(http(gzip.compress(b"a") + gzip.compress(b"b"), b"Content-Encoding: gzip")).body == b"ab"


@pytest.mark.parametrize("name", [*ENCODINGS, b"identity", b"utf-8", b"nonsense"])
def test_headers_that_claim_an_encoding_the_archive_has_undone(name):
    assert parse(http(PAGE, b"Content-Encoding: " + name, b"Transfer-Encoding: chunked")).body == PAGE


@pytest.mark.parametrize("name", ENCODINGS)
def test_cut_bodies_give_what_is_there(name):
    page = PAGE + random.Random(1).randbytes(50_000).hex().encode()
    body = ENCODINGS[name](page)
    got = parse(http(body[: len(body) * 2 // 3], b"Content-Encoding: " + name))
    assert got.partial and (page.startswith(got.body) or not got.body)
    assert name in (b"br", b"zstd") or len(got.body) > 1000  # those two decode in large blocks


@pytest.mark.parametrize("name", ENCODINGS)
def test_bombs_are_stopped_in_little_memory(name):
    bomb = ENCODINGS[name](bytes(60 << 20))
    tracemalloc.start()
    with pytest.raises(HttpError) as error:
        parse(http(bomb, b"Content-Encoding: " + name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.value.kind in ("expansion", "too_large") and peak < 4 * BODY_CAP + (64 << 20)


def test_nested_bombs_and_endless_layers():
    with pytest.raises(HttpError):
        parse(http(gzip.compress(gzip.compress(bytes(100 << 20))), b"Content-Encoding: gzip, gzip"))
    with pytest.raises(HttpError):
        parse(http(b"x", b"Content-Encoding: " + b", ".join([b"gzip"] * 20)))
    with pytest.raises(HttpError) as error:
        parse(http(b"x" * (BODY_CAP + 1)))
    assert error.value.kind == "too_large"


def test_small_pages_may_compress_well():
    page = b"<p>same</p>" * 60_000
    assert parse(http(gzip.compress(page), b"Content-Encoding: gzip")).body == page


@pytest.mark.parametrize(
    ("body", "expected", "partial"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello", False),
        (b"5;name=value\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"hello", False),
        (b"5\nhello\n0\n\n", b"hello", False),
        (b"5\r\nhello\r\nffffff\r\nrest", b"hellorest", True),
        (b"5\r\nhello\r\n<p>no chunk", b"hello<p>no chunk", True),
        (b"<html>never chunked", b"<html>never chunked", False),
        (b"", b"", False),
    ],
)
def test_chunks(body, expected, partial):
    assert dechunk(body) == (expected, partial)


def test_heads():
    got = parse(b"HTTP/1.0 301\nLocation: /x\nSet-Cookie: a\nset-cookie: b\n folded\nbroken line\n\nbody")
    assert got.status == 301 and got.header("location") == "/x" and got.body == b"body"
    assert [v for n, v in got.headers if n == "set-cookie"] == ["a", "b folded"]
    assert parse(b"HTTP/2 200 \r\n\r\nx").status == 200
    assert parse(b"<html>HTTP/0.9").status == 0
    assert parse(b"HTTP/1.1 200 OK\r\nno end of head").body == b""
    assert parse(b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\n\r\n").header("x-name") == "café"
    with pytest.raises(HttpError):
        parse(b"HTTP/1.1 OK\r\n\r\n")


@pytest.mark.parametrize(
    ("media", "body", "html"),
    [
        (b"text/html; charset=utf-8", PAGE, True),
        (b"TEXT/HTML", b"plain words", True),
        (b"application/xhtml+xml", PAGE, True),
        (b"text/html", b"", False),
        (b"text/html", b"%PDF-1.4 ...", False),
        (b"text/html", b"\x89PNG\r\n\x1a\n....", False),
        (b"text/html", bytes(1000), False),
        (b"text/html", b"\xff\xfe<\0h\0t\0m\0l\0>\0" * 9, True),
        (b"application/pdf", PAGE, False),
        (b"image/jpeg", b"<html>", False),
        (b"text/plain", PAGE, True),
        (b"text/plain", b"just text", False),
        (b"", PAGE, True),
        (b"application/json", b"{}", False),
        (b"application/octet-stream", b"\x00\x01", False),
    ],
)
def test_what_is_html(media, body, html):
    assert is_html(parse(http(body, b"Content-Type: " + media))) is html


def test_random_bytes_never_raise_anything_else():
    rng = random.Random(5)
    for _ in range(3000):
        name = rng.choice(list(ENCODINGS))
        block = bytearray(http(chunked(ENCODINGS[name](PAGE)), b"Content-Encoding: " + name, b"Transfer-Encoding: chunked"))
        for _ in range(rng.randrange(1, 8)):
            at = rng.randrange(len(block))
            block[at : at + rng.choice([0, 1, 3, 30])] = rng.randbytes(rng.choice([0, 1, 3, 30]))
        try:
            is_html(parse(bytes(block)))
        except HttpError:
            pass


def test_split_makes_parts_of_the_block_and_looks_no_further_than_a_head_may_reach():
    block = http(PAGE)
    head, body = split(block)
    assert head.obj is block and body.obj is block and bytes(body) == PAGE and bytes(head) + b"\r\n\r\n" + PAGE == block
    assert [*map(bytes, split(PAGE))] == [b"", PAGE]
    late = b"HTTP/1.1" + b" " * HEAD_CAP + b"200 OK\r\n\r\nx"
    assert [*map(bytes, split(late))] == [b"", late]
    with pytest.raises(HttpError, match="no status"):
        parse(late)
    endless = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * HEAD_CAP
    assert (len(split(endless)[0]), parse(endless).body) == (HEAD_CAP, b"")
