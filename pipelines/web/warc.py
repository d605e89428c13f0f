"""Archives in, records out: every response and revisit, or a Problem that says where there should have been one.

FastWARC does the reading. What it cannot know is checked beside it at no cost: a record's position must be the start of a
compressed member, its member must be as large as the record says, its bytes must be all there. FastWARC 2.0.1 ends silently
at a cut file, reads over member ends when a Content-Length lies, and raises at garbage; in all three cases
`pipelines.web.careful` reads the damaged stretch and FastWARC goes on behind it.

A file is cut into ranges [start, end) of compressed bytes. A range holds the members that begin in it: both of its ends are
moved forward by the same function to the next member, so ranges tile the file exactly, whoever reads them.
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

from pipelines.web import arc
from pipelines.web.careful import clean_url, gzip_stretch, is_http, plain_stretch
from pipelines.web.members import GZIP, LZ4, ZSTD, compression, first_bytes, inflate, next_header, next_member
from pipelines.web.records import RESPONSE, REVISIT, Problem, Record
from pipelines.web.source import Source, SourceError, Window

BLOCK_CAP = 32 << 20  # bytes of a record that are read; the rest is skipped and the record marked too_large
SKIP_ABOVE = 64 << 20  # a compressed record longer than this is jumped over, not decompressed
POINTER_AHEAD = 64 << 10  # bytes asked for at least, when one record is read from a remote file
END = 1 << 62

Draft = tuple[str, str, str, bytes, bool, str, str]  # a Record without its place, which is known once the next one begins
_RESPONSE, _REVISIT, _UNKNOWN = WarcRecordType.response, WarcRecordType.revisit, WarcRecordType.unknown
_MAGIC = {"gzip": GZIP[:2], "zstd": ZSTD, "lz4": LZ4}


def read_records(path: str, start: int = 0, end: int = END, cap: int = BLOCK_CAP) -> Iterator[Record | Problem]:
    """Records of the members that begin in [start, end) of a .warc, .warc.gz, .warc.zst, .warc.lz4, .warc.bz2, .arc or .arc.gz,
    told apart by content. Only gzip and plain WARCs can be read in ranges; of others the range that holds byte 0 is everything.
    SourceError if the file cannot be read."""
    with Source(path) as source:
        head = source.read_at(0, 4096)
        kind = compression(head)
        if kind == "none" and path.endswith(".gz") and b"WARC/" not in head and not arc.is_record_line(head):
            kind = "gzip"  # rubbish before the first member
        inner = first_bytes(head, 2048) if kind == "gzip" else head
        if source.size == 0 or (start >= source.size):
            return
        if kind == "bzip2":
            if start == 0:
                yield from _bzip2(source, cap)
        elif inner.startswith((b"filedesc:", b"URL IP-address")) or arc.is_record_line(inner):
            if start == 0:
                yield from arc.read(source, kind == "gzip", cap)
        elif kind in ("zstd", "lz4"):
            if start == 0:
                yield from _frames(source, kind, cap)
        elif kind == "gzip":
            first = 0 if start == 0 else next_member(source, start, source.size)
            yield from _gzip(source, first, next_member(source, end, source.size) if end < source.size else source.size, cap)
        else:
            first = 0 if start == 0 else next_header(source, start, source.size)
            yield from _plain(source, first, next_header(source, end, source.size) if end < source.size else source.size, cap)


def read_at(path: str, offset: int, length: int, cap: int = BLOCK_CAP) -> Iterator[Record | Problem]:
    """The record that a pointer (file, offset, length) names, read as a range and nothing around it. A member holding several
    records gives them all."""
    with Source(path, ahead=min(max(length, POINTER_AHEAD), cap)) as source:
        if offset >= source.size:
            yield Problem("truncated", offset, length, f"the file has only {source.size} bytes")
            return
        head = source.read_at(offset, 512)
        kind = compression(head)
        stop = min(offset + length, source.size) if length > 0 else source.size
        inner = first_bytes(head, 512) if kind == "gzip" else head
        if kind in ("zstd", "lz4"):
            yield from (r._replace(offset=offset, length=length) for r in _frames(source, kind, cap, offset, stop))
        elif arc.is_record_line(inner):
            yield from arc.read(source, kind == "gzip", cap, offset, stop)
        elif kind == "gzip":
            yield from gzip_stretch(source, offset, stop, cap)[0]
        else:
            yield from plain_stretch(source, offset, stop, cap)[0]


def _iterate(stream: Any) -> Iterator[Any]:
    """FastWARC over a stream; its errors, and the panics of its native code that are no Exception, as OSError."""
    try:
        yield from ArchiveIterator(stream, parse_http=False, max_header_len=64 << 10)
    except (GeneratorExit, KeyboardInterrupt, SystemExit, Exception):
        raise
    except BaseException as e:
        raise OSError(f"{type(e).__name__}: {e}") from e


def _read(record: Any, cap: int) -> tuple[bytes, str, str]:
    """(block, problem, message) of a record as FastWARC sees it."""
    size = record.content_length
    if size > cap:
        return record.reader.read(cap), "too_large", f"{size} bytes, the limit is {cap}"
    block = record.reader.read(size) if size > 0 else record.reader.read()  # told how much, it copies once
    return (block, "", "") if len(block) == size else (block, "truncated", f"{len(block)} of {size} bytes")


def _kind(record: Any) -> str:
    kind = record.record_type
    if kind == _RESPONSE:
        return RESPONSE
    if kind == _REVISIT:
        return REVISIT
    if kind == _UNKNOWN:
        return (record.headers.get("WARC-Type") or "").strip().lower()  # written in capitals or with blanks
    return ""


def _fields(raw: Any) -> tuple[str, str | None, str]:
    """Target, Content-Type and date. All fields at once cost a quarter of asking for three by name; of one written twice the first counts."""
    pairs = raw.headers.astuples()
    exact = dict(reversed(pairs))
    try:
        return exact["WARC-Target-URI"], exact["Content-Type"], exact["WARC-Date"]
    except KeyError:  # in other letters, or absent
        lower = {name.lower(): value for name, value in reversed(pairs)}
        return lower.get("warc-target-uri", ""), lower.get("content-type"), lower.get("warc-date", "")


def _draft(raw: Any, kind: str, cap: int) -> Draft:
    target, media, date = _fields(raw)
    url = clean_url(target)
    block, problem, message = _read(raw, cap)
    return kind, url, date, block, is_http(url, media), problem, message


def _record(draft: Draft, offset: int, length: int) -> Record:
    kind, url, date, block, http, problem, message = draft
    return Record(kind, url, date, offset, length, block, http, problem, message)


def _gzip(source: Source, start: int, end: int, cap: int) -> Iterator[Record | Problem]:
    at = start
    while at < end:
        window = Window(source, at, end)
        position, size, pending = at, 0, None  # of the record before, which is passed on once its end is known to be sound
        number = 0
        try:
            for raw in _iterate(window):
                here = raw.stream_pos if number else at
                if number:
                    around = window.peek_at(here - 4, 6)  # the size a member ends with, and how the next begins
                    if here <= position or here >= end or around[4:] != GZIP[:2]:
                        yield from _shared(source, position, end, cap)
                        return
                    if int.from_bytes(around[:4], "little") < size % (1 << 32):
                        break  # the record reaches over the end of its member
                    if pending is not None:
                        yield _record(pending, position, here - position)
                number += 1
                position, size, pending = here, raw.content_length, None
                kind = _kind(raw)
                if kind in (RESPONSE, REVISIT):
                    pending = _draft(raw, kind, cap)
                    if pending[5] == "truncated":
                        break
                if size > SKIP_ABOVE:
                    break
            else:
                if number == 0 and not source.read_at(at, min(4096, end - at)).strip():
                    return
                if number == 0:
                    yield Problem("truncated" if source.read_at(at, 3) == GZIP else "garbage", at, end - at, "no record in these bytes")
                    return
                member = inflate(source, position, end, SKIP_ABOVE + (1 << 20), keep=False)
                if member.complete and position + member.used >= end:
                    if pending is not None:
                        yield _record(pending, position, end - position)
                    return
        except OSError:
            if window.error is not None:
                raise window.error from None
        if size > SKIP_ABOVE:
            at = next_member(source, position + 1, end)
            if pending is not None:
                yield _record(pending, position, at - position)
            elif size > 1 << 40 or at >= end:
                yield Problem("bad_length", position, at - position, f"a record that claims {size} bytes")
            continue
        found, at = gzip_stretch(source, position, end, cap + (1 << 16))
        yield from found


def _shared(source: Source, start: int, end: int, cap: int) -> Iterator[Record | Problem]:
    """Members that hold many records each (a file compressed as a whole): records have no position of their own, so they carry
    that of the first member."""
    number = 0
    try:
        window = Window(source, start, end)
        for raw in _iterate(window):
            number += 1
            kind = _kind(raw)
            if kind in (RESPONSE, REVISIT):
                yield _record(_draft(raw, kind, cap), start, end - start)
            elif (got := raw.reader.consume()) < raw.content_length:
                yield Problem("truncated", start, end - start, f"{got} of {raw.content_length} bytes")
    except OSError as e:
        if window.error is not None:
            raise window.error from None
        yield Problem("garbage", start, end - start, f"after {number} records in one member: {e}")


def _plain(source: Source, start: int, end: int, cap: int) -> Iterator[Record | Problem]:
    at = start
    while at < end:
        window = Window(source, at, end)
        position, pending, number = at, None, 0
        try:
            for raw in _iterate(window):
                here = raw.stream_pos
                if number and window.peek_at(here, 5) != b"WARC/":
                    break
                if pending is not None:
                    yield _record(pending, position, here - position)
                number += 1
                position, pending = here, None
                kind = _kind(raw)
                if kind in (RESPONSE, REVISIT):
                    pending = _draft(raw, kind, cap)
                    if pending[5] == "truncated" or raw.content_length <= 0:
                        break
                elif raw.reader.consume() < raw.content_length or raw.content_length <= 0:
                    break  # the careful reader tells an empty record from a length that is missing
            else:
                if number and source.read_at(max(position, end - 16), 16).replace(b"\r", b"").endswith(b"\n\n"):
                    if pending is not None:
                        yield _record(pending, position, end - position)
                    return
        except OSError:
            if window.error is not None:
                raise window.error from None
        found, at = plain_stretch(source, position, end, cap)
        yield from found


def _frames(source: Source, kind: str, cap: int, start: int = 0, end: int = END) -> Iterator[Record | Problem]:
    """zstd and lz4: read in order; a damaged frame ends the file."""
    end = min(end, source.size)
    window = Window(source, start, end)
    position, began, pending = start, start, None
    try:
        for raw in _iterate(window):
            here = raw.stream_pos
            if pending is not None:
                yield _record(pending, began, max(here, began) - began)
            if here > position and here < end and window.peek_at(here, 4) == _MAGIC[kind]:
                position = here
            pending = None
            if (record_kind := _kind(raw)) in (RESPONSE, REVISIT):
                pending, began = _draft(raw, record_kind, cap), position
            elif (got := raw.reader.consume()) < raw.content_length:
                yield Problem("truncated", position, end - position, f"{got} of {raw.content_length} bytes")
        if pending is not None:
            yield _record(pending, began, end - began)
    except OSError as e:
        if window.error is not None:
            raise window.error from None
        if pending is not None:
            yield _record(pending, began, end - began)
        yield Problem("garbage", position, end - position, f"{kind}: {e}")


def _bzip2(source: Source, cap: int) -> Iterator[Record | Problem]:
    """bzip2 is read as one stream: positions are those of the uncompressed bytes' file, so pointers name the whole file."""
    window = Window(source, 0, source.size)
    try:
        with bz2.BZ2File(window) as stream:  # type: ignore[arg-type]
            for raw in _iterate(stream):
                if (kind := _kind(raw)) in (RESPONSE, REVISIT):
                    yield _record(_draft(raw, kind, cap), 0, source.size)
                elif (got := raw.reader.consume()) < raw.content_length:
                    yield Problem("truncated", 0, source.size, f"{got} of {raw.content_length} bytes")
    except (OSError, EOFError) as e:
        if window.error is not None:
            raise window.error from None
        if isinstance(e, SourceError):
            raise
        yield Problem("garbage", 0, source.size, f"bzip2: {e}")
