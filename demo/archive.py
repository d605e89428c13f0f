"""WARC files of the web: what a crawler would have written, with fixed ids and dates, a gzip member per record."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demo.articles import Content, write
from demo.plan import Page, Web
from demo.rng import Stream
from demo.templates import page_html

CRAWL = "DEMO-2026-10"
AGENT = "weft-demo-crawler/1.0"
PAGES_PER_FILE = 500


@dataclass(frozen=True)
class Response:
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True)
class Capture:
    """One page as captured: where it stands in the archive and what was in it."""

    page: Page
    url: str
    date: str
    response: Response
    content: Content | None
    warc: str = ""
    offset: int = 0


def files(web: Web) -> list[tuple[str, range]]:
    """Names of the WARC files and the pages in each: at least two files, so that a run has more than one unit."""
    per = min(PAGES_PER_FILE, -(-web.pages // 2))
    return [(f"demo-{n:05d}.warc.gz", range(start, min(web.pages, start + per))) for n, start in enumerate(range(0, web.pages, per))]


def captures(web: Web, pages: range) -> Iterator[Capture]:
    for index in pages:
        yield capture(web, web.page(index))


def capture(web: Web, page: Page) -> Capture:
    """The page as the crawler met it."""
    url, date = address(web, page)
    if page.role == "status":
        status, reason = ((404, "Not Found"), (500, "Internal Server Error"), (403, "Forbidden"))[page.variant % 3]
        body = f"<html><head><title>{status}</title></head><body><h1>{status} {reason}</h1></body></html>".encode()
        return Capture(page, url, date, Response(status, reason, (("Content-Type", "text/html"),), body), None)
    if page.role == "moved":
        headers = (("Location", f"http://{page.host}/elsewhere"), ("Content-Type", "text/html"))
        return Capture(page, url, date, Response(301, "Moved Permanently", headers, b"<html><body>Moved</body></html>"), None)
    if page.role == "not_html":
        kind, body = (
            ("application/pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n"),
            ("application/json", b'{"items": [1, 2, 3]}'),
            ("text/plain; charset=utf-8", b"Just a few words of plain text.\n"),
        )[page.variant % 3]
        return Capture(page, url, date, Response(200, "OK", (("Content-Type", kind),), body), None)
    if page.role == "empty":
        body = (b"", b"<html><head><title>Soon</title></head><body></body></html>")[page.variant % 2]
        return Capture(page, url, date, Response(200, "OK", (("Content-Type", "text/html; charset=utf-8"),), body), None)
    made = write(web, page)
    body, headers = _body(page, page_html(web, page, made))
    return Capture(page, url, date, Response(200, "OK", headers, body), made)


def address(web: Web, page: Page) -> tuple[str, str]:
    """(URL, capture date). A re-crawl has its original's URL, or that URL with a tracking parameter, and a later date."""
    draw = Stream("date", web.seed, page.root)
    month, day = draw.between(1, 3), draw.between(1, 28)
    hour, minute, second = draw.below(24), draw.below(60), draw.below(60)
    root = web.page(page.root)
    where = root if page.role == "recrawl" else page
    url = f"http://{where.host}/2026/{month:02d}/{where.type}-{where.index:06d}.html"
    if page.role == "recrawl":
        month += 3
        url += "?utm_source=letter&utm_medium=email" if page.variant % 2 else ""
    return url, f"2026-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"


def _body(page: Page, html: str) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    headers: list[tuple[str, str]] = [("Server", "demo")]
    codec = {"utf-8-bom": "utf-8-sig", "windows-1252-undeclared": "windows-1252", "macintosh": "mac_roman"}.get(page.charset, page.charset)
    if page.charset in ("windows-1252", "iso-8859-15", "macintosh"):
        beyond_ascii = "caf\u00e9 \u20ac" if page.charset == "iso-8859-15" else "caf\u00e9 \u201cna\u00efve\u201d"
        html = html.replace("</h1>", f" {beyond_ascii}</h1>", 1)
    body = html.encode(codec, "xmlcharrefreplace")
    declared = {"utf-8-bom": "text/html", "windows-1252-undeclared": "text/html", "utf-16": "text/html", "shift_jis": "text/html"}
    headers.append(("Content-Type", declared.get(page.charset, f"text/html; charset={page.charset}")))
    if page.signal == "header:noai":
        headers.append(("X-Robots-Tag", "noai, noimageai"))
    elif page.signal == "tdm-header":
        headers += [("tdm-reservation", "1"), ("tdm-policy", f"http://{page.host}/tdm-policy.json")]
    elif page.signal == "content-usage":
        headers.append(("Content-Usage", "train-ai=n"))
    if page.role == "encoded":
        if page.variant % 2 == 0:
            packer = zlib.compressobj(6, zlib.DEFLATED, 31)
            body = packer.compress(body) + packer.flush()
            headers.append(("Content-Encoding", "gzip"))
        else:
            step = 700
            pieces = [body[i : i + step] for i in range(0, len(body), step)]
            body = b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"
            headers.append(("Transfer-Encoding", "chunked"))
    return body, tuple(headers)


def write_file(web: Web, path: Path, pages: range) -> list[Capture]:
    """Write one WARC file; the captures with their places in it, without their bodies' owner changing."""
    from dataclasses import replace

    out: list[Capture] = []
    with open(path, "wb") as f:
        f.write(_member("warcinfo", f"info/{path.name}", "", "2026-01-01T00:00:00Z", "application/warc-fields", _info(path.name)))
        for c in captures(web, pages):
            name = f"{web.seed}/{c.page.index}"
            request = f"GET {_path(c.url)} HTTP/1.1\r\nHost: {c.page.host}\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
            f.write(_member("request", f"q/{name}", c.url, c.date, "application/http; msgtype=request", request))
            out.append(replace(c, warc=path.name, offset=f.tell()))
            f.write(_member("response", f"r/{name}", c.url, c.date, "application/http; msgtype=response", _http(c.response)))
            facts = f"fetchTimeMs: {40 + c.page.index % 900}\r\n".encode()
            f.write(_member("metadata", f"m/{name}", c.url, c.date, "application/warc-fields", facts))
    return out


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _info(name: str) -> bytes:
    return f"isPartOf: {CRAWL}\r\nsoftware: weft demo web\r\ndescription: generated pages with known truth\r\nfilename: {name}\r\n".encode()


def _http(r: Response) -> bytes:
    lines = [f"HTTP/1.1 {r.status} {r.reason}", *(f"{k}: {v}" for k, v in r.headers)]
    if not any(k == "Transfer-Encoding" for k, _ in r.headers):
        lines.append(f"Content-Length: {len(r.body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + r.body


def _member(kind: str, name: str, url: str, date: str, media: str, body: bytes) -> bytes:
    """A record as a gzip member of its own; ids are made from names, so equal webs give equal bytes."""
    digest = hashlib.sha1(body, usedforsecurity=False).hexdigest()
    lines = [
        "WARC/1.1", f"WARC-Type: {kind}", f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'weft-demo/{kind}/{name}')}>",
        f"WARC-Date: {date}", *([f"WARC-Target-URI: {url}"] if url else []), f"Content-Type: {media}", f"WARC-Block-Digest: sha1:{digest}",
        f"Content-Length: {len(body)}",
    ]  # fmt: skip
    data = ("\r\n".join(lines) + "\r\n\r\n").encode() + body + b"\r\n\r\n"
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()
