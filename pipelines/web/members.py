"""Finding and opening the compressed members of an archive.

A WARC is compressed one record a member, so a file can be cut at members. Three bytes of magic occur by chance once in
16 MB, therefore a member counts only if what it decompresses to begins like a record.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from pipelines.web.source import Source

GZIP, ZSTD, LZ4, BZIP2 = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"BZh"
ZSTD_DICTIONARY = b"\x5d\x2a\x4d\x18"
RECORD_STARTS = (b"WARC/",)
HEADER_LINE = re.compile(rb"(?:\A|\n)(WARC/\d\.\d{1,2}[ \t]*\r?\n)", re.IGNORECASE)
SCAN = 1 << 20
PROBE = 4096


class Member(NamedTuple):
    """One gzip member, decompressed as far as asked for."""

    data: bytes
    used: int  # compressed bytes, if `complete`
    complete: bool  # its end was reached and its checksum holds
    error: str  # why not, if it is damaged


def compression(head: bytes) -> str:
    """`gzip`, `zstd`, `lz4`, `bzip2` or `none`, by the first bytes."""
    if head.startswith(GZIP[:2]):
        return "gzip"
    if head.startswith((ZSTD, ZSTD_DICTIONARY)):
        return "zstd"
    if head.startswith(LZ4):
        return "lz4"
    return "bzip2" if head.startswith(BZIP2) else "none"


def first_bytes(data: bytes, n: int) -> bytes:
    """What a gzip member decompresses to, at most `n` bytes; empty if it is none."""
    try:
        return zlib.decompressobj(31).decompress(data, n)
    except zlib.error:
        return b""


def next_member(source: Source, at: int, end: int, starts: tuple[bytes, ...] = RECORD_STARTS) -> int:
    """Offset of the first gzip member at or after `at` whose content begins like a record; `end` if there is none before it."""
    longest = max(map(len, starts))
    while at < end:
        data = source.read_at(at, SCAN + PROBE)
        here = data.find(GZIP)
        while 0 <= here < SCAN:
            if at + here >= end:
                return end
            if first_bytes(data[here : here + PROBE], longest).startswith(starts):
                return at + here
            here = data.find(GZIP, here + 1)
        at += SCAN
    return end


def next_header(source: Source, at: int, end: int) -> int:
    """Offset of the first line `WARC/x.y` at or after `at` in an uncompressed file; `end` if there is none before it."""
    start = at
    while at < end:
        back = 1 if at > 0 else 0
        data = source.read_at(at - back, SCAN + 32)
        for m in HEADER_LINE.finditer(data):
            found = at - back + m.start(1)
            if found >= start and (m.start() > 0 or back == 0 or data[:1] == b"\n"):
                return min(found, end)
        at += SCAN
    return end


def inflate(source: Source, at: int, end: int, cap: int, keep: bool = True) -> Member:
    """Decompress the gzip member at `at`. Stops with an error at `cap` bytes of output; `keep=False` only measures. Of a damaged
    member, what comes before the damage is kept."""
    got = _inflate(source, at, end, cap, keep, 1 << 16)
    damaged = keep and not got.complete and len(got.data) < cap and "ends inside" not in got.error
    return _inflate(source, at, end, cap, keep, 64) if damaged else got


def _inflate(source: Source, at: int, end: int, cap: int, keep: bool, step: int) -> Member:
    engine = zlib.decompressobj(31)
    out: list[bytes] = []
    total, here = 0, at
    while not engine.eof:
        data = engine.unconsumed_tail
        if not data:
            data = source.read_at(here, min(step, end - here))
            here += len(data)
            if not data:
                return Member(b"".join(out), here - at, False, "the file ends inside this member")
        try:
            piece = engine.decompress(data, 1 << 18)
        except zlib.error as e:
            return Member(b"".join(out), here - at, False, str(e))
        total += len(piece)
        if keep:
            out.append(piece)
        if total > cap:
            return Member(b"".join(out)[:cap], here - at, False, f"more than {cap} bytes in one member")
    return Member(b"".join(out), here - at - len(engine.unused_data), True, "")
