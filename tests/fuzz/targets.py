"""What the fuzzer calls: one function of bytes for every parser that reads what strangers wrote.

A target raises only for a mistake of ours: an exception that the parser does not promise, or an answer that breaks its contract.
Seeds are made here, from small valid inputs; finds are kept in `found/<target>/` and replayed by the fast tests.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

FOUND = Path(__file__).parent / "found"


class Target(NamedTuple):
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


def warc(data: bytes) -> None:
    """Records of an archive: each lies inside the file, in order; nothing but records and problems comes out."""
    from pipelines.web.warc import read_records

    path = _scratch(data)
    last = -1
    for item in read_records(path, cap=1 << 20):
        assert 0 <= item.offset <= len(data), item
        assert item.offset >= last, (item.offset, last)
        last = item.offset


def http(data: bytes) -> None:
    """A response: a status, or the error that the parser promises; bodies stay below the cap."""
    from pipelines.web.http import HttpError, is_html, parse

    try:
        response = parse(data, body_cap=1 << 20)
    except HttpError:
        return
    assert len(response.body) <= 1 << 20
    is_html(response)


def html(data: bytes) -> None:
    """A page: nodes in order, each a text or an image with an absolute address, within the limits."""
    from pipelines.web.charset import decode
    from pipelines.web.page import Limits, extract

    page = extract(decode(data).html, "https://example.org/a/b.html", Limits(max_nodes=20_000, max_depth=256))
    for node in page.nodes:
        assert node.kind in ("text", "image"), node
        if node.kind == "image":
            assert node.url.startswith(("http://", "https://")), node.url


def image_header(data: bytes) -> None:
    """Size and format from the first bytes, or the promised error; never a size of nothing for a format that is decoded."""
    from pipelines.images.header import _PARSERS, HeaderError, read

    try:
        header = read(data)
    except HeaderError:
        return
    assert (header.width > 0 and header.height > 0) or header.format not in _PARSERS, header


def tar(data: bytes) -> None:
    """A shard: whatever the bytes, rows and faults, and every row lies inside the file."""
    from pipelines.shards.check import read

    found = read(io.BytesIO(data), "fuzz.tar", len(data))
    for row in found.rows:
        assert 0 <= row["byte_offset"] and row["byte_offset"] + row["byte_size"] <= len(data), row


def url(data: bytes) -> None:
    """Canonical once is canonical for ever; keys, hosts and domains of anything."""
    from pipelines.web.urls import canonical, host_of, page_key, registrable_domain

    text = data.decode("utf-8", "replace")
    once = canonical(text)
    assert canonical(once) == once, (text, once, canonical(once))
    page_key(text), host_of(text), registrable_domain(text)


def robots(data: bytes) -> None:
    """robots.txt and tdmrep.json of anyone: an answer for any URL."""
    from pipelines.web.fetch.robots import Robots, _parse
    from pipelines.web.fetch.tdmrep import parse_tdm_file

    head, _, body = data.partition(b"\n")
    address = "https://example.org/" + head.decode("utf-8", "replace")
    rules = Robots(_parse(body), "", "weft")
    assert rules.refusal(address) in ("", "robots.txt disallows")
    assert rules.delay_s >= 0
    parse_tdm_file(body).refusal(address)


def config(data: bytes) -> None:
    """A configuration, or one clear sentence."""
    from filters.registry import RuleError
    from pipelines.settings.config import ConfigError, parse

    try:
        parse(data.decode("utf-8", "replace"), "fuzz.toml")
    except (ConfigError, RuleError) as e:
        assert str(e)


def text(data: bytes) -> None:
    """No e-mail or IP address is left by masking (rubbish glued to a token may look like one); words have no white space."""
    from filters.text.segment import words
    from pipelines.web.pii import find, mask, mask_all

    said = data.decode("utf-8", "replace")
    masked, _ = mask(said)
    assert mask_all(["", said]) == (["", masked], mask(said)[1])
    left = [
        kind
        for at, end, kind in find(masked)
        if kind in ("email", "ip") and ">" not in masked[max(0, at - 1) : at] and "<" not in masked[end : end + 2]
    ]
    assert not left, (said, masked)
    assert all(w and not w.isspace() for w in words(said))


def address(data: bytes) -> None:
    """No notation of an address is taken for a public one by accident: what the sockets would not parse has no class."""
    import ipaddress

    from pipelines.web.fetch.addresses import classify

    said = data.decode("latin-1")
    kind = classify(said)
    try:
        ip = ipaddress.ip_address(said.split("%")[0])
    except ValueError:
        return
    if ip.is_loopback or ip.is_private or ip.is_link_local:
        assert kind != "global", (said, kind)


def manifest(data: bytes) -> None:
    """Manifests of a run by strangers: the promised error, or names that all stay in the folder. The seal, which anybody can compute, is
    put on, or nothing would come past it."""
    from schemas.manifest import ManifestError, inside, loads_run, loads_stage, sealed

    try:
        stage = loads_stage(data, "fuzz")
        for name in (stage.digest, *(p.path for parts in stage.tables.values() for p in parts)):
            inside(name)
    except ManifestError as e:
        assert str(e).startswith("fuzz: ")
    try:
        raw = json.loads(data)
        body = (json.dumps(raw, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
        run = loads_run(sealed(body) if isinstance(raw, dict) and raw else data, "fuzz")
    except ManifestError as e:
        assert str(e).startswith("fuzz: ")
    except (ValueError, RecursionError):
        return
    else:
        for name in (
            run.shard_folder,
            *(n for e in run.shards for n in (e.tar, e.index.path, e.energon.path)),
            *(p.path for p in run.files),
        ):
            inside(name)


def _scratch(data: bytes) -> str:
    """A file in memory with these bytes, the same one each time."""
    import os
    import tempfile

    global _file
    if not _file:
        root = "/dev/shm" if os.path.isdir("/dev/shm") else None
        _file = os.path.join(tempfile.mkdtemp(dir=root), "fuzz.warc.gz")
    with open(_file, "wb") as f:
        f.write(data)
    return _file


_file = ""


def _warcs() -> list[bytes]:
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 22\r\n\r\n<p>hello, world</p>\n\n\n"
    record = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://example.org/\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        b"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\nContent-Type: application/http; msgtype=response\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    ) + body + b"\r\n\r\n"  # fmt: skip
    arc = b"filedesc://x 0.0.0.0 20260101000000 text/plain 20\n1 0 weft\nURL IP-address\n\nhttp://e.org/ 1.1.1.1 20260101000000 text/html 9\n<p>hi</p>\n"
    zipped = gzip.compress(record, mtime=0)
    return [record * 2, zipped * 2, zipped + b"junk" + zipped, arc, gzip.compress(arc, mtime=0)]


def _http() -> list[bytes]:
    html_ = b"<html><body><p>hello</p></body></html>"
    return [
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html_,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(html_, mtime=0),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(html_),
        b"HTTP/1.0 301 Moved\nLocation: /x\n\n",
    ]


def _html() -> list[bytes]:
    return [
        b"<!doctype html><meta charset=utf-8><title>T</title><article><h1>A thing</h1><p>Some words about it, and more of them.</p>"
        b"<figure><img src=/a.jpg alt='a'><figcaption>That is it</figcaption></figure><ul><li>one<li>two</ul><pre>x = 1</pre></article>",
        b"<table><tr><td>1<td>2</table><noscript><img data-src=b.png srcset='c.png 2x'></noscript><base href='//x/y/'><picture><source srcset=q></picture>",
        b"<script type=application/ld+json>{\"@type\":\"Article\"}</script><div class=comment><svg><p>a<math><b>",
    ]  # fmt: skip


def _images() -> list[bytes]:
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", 3, 2, 8, 2, 0, 0, 0)
    png += struct.pack(">I", zlib.crc32(png[12:29]))
    jpeg = (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xd9"
    )
    return [png, jpeg, b"GIF89a\x02\x00\x02\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x02\x00\x02\x00\x00\x02\x02\x84Q\x00;",
            b"RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x0f\x00\x00\x0f\x00\x00", b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1"]  # fmt: skip


def _tars() -> list[bytes]:
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, body in (("0" * 32 + ".json", b'{"images":[null],"texts":["a"]}'), ("0" * 32 + ".0.jpg", _images()[1])):
            info = tarfile.TarInfo(name)
            info.size = len(body)
            t.addfile(info, io.BytesIO(body))
    return [out.getvalue(), out.getvalue()[:700]]


def _manifests() -> list[bytes]:
    part = {"path": "a/0.parquet", "rows": 1, "bytes": 2, "sha256": "0"}
    stage = {
        "stage": "extract", "digest": "0", "inputs": {}, "config": {}, "code": "0", "parts": {"unit": ["0"]}, "tables": {"a": [part]},
        "counts": {"documents": {"entered": 1, "kept": 1, "dropped": {}, "dead": 0}}, "facts": {}, "format": 1,
    }  # fmt: skip
    entry = {
        "id": "w-0", "split": "train", "tar": "w-0.tar", "bytes": 1, "sha256": "0", "documents": 1, "paragraphs": 1, "images": 1, "text_bytes": 1,
        "text_tokens": 1, "index": part, "energon": part,
    }  # fmt: skip
    run = {
        "name": "r", "inputs": {}, "config": {}, "code": {}, "models": {}, "stages": {"extract": {"digest": "0", "manifest_sha256": "0"}}, "tables": {"a": [part]},
        "counts": {"extract": stage["counts"]}, "shards": [entry], "tokenizer": "", "shard_folder": "shards", "files": [part], "previous": None,
        "tombstones": None, "format": 1,
    }  # fmt: skip
    return [json.dumps(m).encode() for m in (stage, run)]


def _lines(*texts: str) -> Callable[[], list[bytes]]:
    return lambda: [t.encode() for t in texts]


TARGETS: dict[str, Target] = {
    "manifest": Target(manifest, _manifests),
    "warc": Target(warc, _warcs),
    "http": Target(http, _http),
    "html": Target(html, _html),
    "image_header": Target(image_header, _images),
    "tar": Target(tar, _tars),
    "url": Target(url, _lines("http://User@EXAMPLE.org:80/a/../b%7e?utm_source=x&b=2&a=1#f", "//x/%zz", "https://xn--bcher-kva.example/", "http://[::1]/")),
    "robots": Target(robots, _lines("a/b\nUser-agent: *\nDisallow: /a*$\nCrawl-delay: 2\n", 'x\n[{"location": "/a", "tdm-reservation": 1}]')),
    "config": Target(config, _lines('[input]\npaths = ["a"]\n[filters."paragraph.word_count"]\nmin = 3\nper_language = { de = { min = 2 } }\n', "[fetch]\nports = [80]\n")),
    "text": Target(text, _lines("Write to a.b@example.org or 192.0.2.1, +49 30 1234567, DE89 3704 0044 0532 0130 00.", "漢字かな ไทย a@b.co")),
    "address": Target(address, _lines("127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "169.254.169.254", "0x7f.1", "fe80::1%eth0")),
}  # fmt: skip
