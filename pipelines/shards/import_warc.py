"""Data sets made by others as WARC files, so that every stage, filter and table works on them as on a crawl.

A document becomes an HTML record of plain paragraphs and images in its order; an image whose bytes are at hand becomes a record of its
own, from which stage fetch takes it without a network (`extract.use_archived_images`). Same input, same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pipelines import storage

FILE_BYTES = 256 << 20  # of records in one WARC file
UNKNOWN_DATE = "1970-01-01T00:00:00Z"


class Shown(NamedTuple):
    """An image of an imported document."""

    url: str
    alt: str = ""
    data: bytes | None = None  # None: not at hand, so stage fetch asks its server


class Imported(NamedTuple):
    """A document as other data sets hold it."""

    url: str
    pieces: tuple[str | Shown, ...]
    title: str = ""
    date: str = ""  # ISO 8601; "" = unknown


def page(document: Imported) -> bytes:
    """The HTML of a document: blank lines separate paragraphs, as in OBELICS."""
    out = [f"<!doctype html><html><head><meta charset=utf-8><title>{html.escape(document.title)}</title></head><body><article>"]
    for piece in document.pieces:
        if isinstance(piece, Shown):
            out.append(f'<p><img src="{html.escape(piece.url)}" alt="{html.escape(piece.alt)}"></p>')
        else:
            out += [f"<p>{html.escape(p.strip())}</p>" for p in piece.split("\n\n") if p.strip()]
    return "\n".join([*out, "</article></body></html>", ""]).encode("utf-8", "replace")


def record(url: str, date: str, media_type: str, body: bytes) -> bytes:
    """One WARC response record as a gzip member. ValueError if the URL could break out of its header line."""
    if any(c in url for c in "\r\n \t") or not url.startswith(("http://", "https://")):
        raise ValueError(f"{url[:200]!r} is no http(s) address")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    digest = hashlib.sha256(url.encode("utf-8", "replace") + b"\0" + body).hexdigest()
    lines = [
        "WARC/1.1",
        "WARC-Type: response",
        f"WARC-Record-ID: <urn:uuid:{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}>",
        f"WARC-Date: {date or UNKNOWN_DATE}",
        f"WARC-Target-URI: {url}",
        "Content-Type: application/http; msgtype=response",
        f"Content-Length: {len(head) + len(body)}",
    ]
    raw = "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n\r\n" + head + body + b"\r\n\r\n"
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=6 if media_type == "text/html" else 1) as f:
        f.write(raw)
    return out.getvalue()


def records(documents: Iterable[Imported], counts: dict[str, int]) -> Iterator[bytes]:
    """The records of documents; an image is written once however many documents show it. `counts` is added to."""
    from pipelines.images.header import sniff

    seen: set[bytes] = set()
    for d in documents:
        try:
            made = record(d.url, d.date, "text/html", page(d))
        except ValueError:
            counts["bad_url"] = counts.get("bad_url", 0) + 1
            continue
        counts["documents"] = counts.get("documents", 0) + 1
        yield made
        for piece in d.pieces:
            if not isinstance(piece, Shown):
                continue
            counts["images"] = counts.get("images", 0) + 1
            key = hashlib.blake2b(piece.url.encode("utf-8", "replace"), digest_size=16).digest()
            if piece.data is None or key in seen:
                continue
            seen.add(key)
            try:
                yield record(piece.url, d.date, f"image/{sniff(piece.data) or 'unknown'}", piece.data)
                counts["images_with_bytes"] = counts.get("images_with_bytes", 0) + 1
            except ValueError:
                counts["bad_url"] = counts.get("bad_url", 0) + 1


def write(folder: str, documents: Iterable[Imported], name: str) -> dict[str, int]:
    """Write `<name>-00000.warc.gz` ... into an empty folder; counts of documents, images, images_with_bytes, bad_url, files."""
    if storage.listing(folder):
        raise ValueError(f"{folder} is not empty: give an empty or new folder")
    counts: dict[str, int] = {"files": 0}
    found = records(documents, counts)
    pending = next(found, None)
    while pending is not None:
        size = 0
        with storage.atomic(storage.join(folder, f"{name}-{counts['files']:05d}.warc.gz")) as out:
            while pending is not None and size < FILE_BYTES:
                out.write(pending)
                size += len(pending)
                pending = next(found, None)
        counts["files"] += 1
    return counts
