"""Metadata out of a picture's file without decoding it: what is shown stays bit for bit.

EXIF (places, cameras, serial numbers, previews), XMP, IPTC, comments and whatever lies behind the picture's end go. What decides how the
picture looks stays: colour profiles, gamma, transparency, animation. An EXIF orientation is kept, alone, where there is one.
"""

from __future__ import annotations

import re
import struct
import zlib

from pipelines.images.header import read

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in a scan: anything but stuffing, restarts and fill bytes
_PNG_KEEP = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD hIST sPLT pHYs cICP mDCV cLLI acTL fcTL fdAT".split()
)  # fmt: skip
_WEBP_KEEP = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_GIF_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


class StripError(ValueError):
    """The file's structure cannot be followed, so nothing can be taken out of it safely."""


def without_metadata(data: bytes) -> bytes:
    """The file without metadata; the same bytes if it has none. StripError if it is of another format than JPEG, PNG, WebP and GIF or
    breaks off; HeaderError if it is no picture."""
    head = read(data)
    strip = {"jpeg": _jpeg, "png": _png, "webp": _webp, "gif": _gif}.get(head.format)
    if strip is None:
        raise StripError(f"{head.format}: its metadata cannot be taken out without decoding it")
    try:
        return strip(data, head.orientation)
    except (IndexError, struct.error) as e:
        raise StripError(f"{head.format}: the file breaks off") from e


def _orientation(value: int) -> bytes:
    """A TIFF block that says nothing else."""
    return b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, value, 0) + b"\0\0\0\0"


def _jpeg(data: bytes, orientation: int) -> bytes:
    exif = b"Exif\0\0" + _orientation(orientation)
    own = [b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif] if orientation != 1 else []
    out, at = [data[:2]], 2
    while True:
        while data[at] != 0xFF or data[at + 1] in (0xFF, 0x00):  # fill bytes and rubbish between segments
            at += 1
        marker = data[at + 1]
        if marker == 0xD9:
            return b"".join([*out, data[at : at + 2]])
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        end = at + 2 + length
        if own and marker != 0xE0:  # after JFIF's own segment, which must be the first
            out += own
            own = []
        if _jpeg_keeps(marker, data[at + 4 : at + 16]):
            out.append(data[at:end])
        at = end
        if marker == 0xDA:
            found = _MARKER.search(data, end)
            if found is None:
                raise IndexError
            out.append(data[end : found.start()])
            at = found.start()


def _jpeg_keeps(marker: int, start: bytes) -> bool:
    if marker == 0xFE:  # a comment
        return False
    if not 0xE0 <= marker <= 0xEF:
        return True
    return marker in (0xE0, 0xEE) and start.startswith((b"JFIF\0", b"Adobe")) or (marker == 0xE2 and start.startswith(b"ICC_PROFILE\0"))


def _png(data: bytes, orientation: int) -> bytes:
    out, at, kind = [data[:8]], 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            raise IndexError
        if kind in _PNG_KEEP:
            out.append(data[at:end])
        if kind == b"IHDR" and orientation != 1:
            exif = b"eXIf" + _orientation(orientation)
            out.append(struct.pack(">I", len(exif) - 4) + exif + struct.pack(">I", zlib.crc32(exif)))
        at = end
    return b"".join(out)


def _webp(data: bytes, orientation: int) -> bytes:
    (size,) = struct.unpack_from("<I", data, 4)
    if size + 8 > len(data):
        raise IndexError
    parts, at = [], 12
    while at + 8 <= size + 8:
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + (length & 1)
        if kind in _WEBP_KEEP:
            parts.append(bytearray(data[at:end]))
        at = end
    if orientation != 1:
        exif = _orientation(orientation)
        parts.append(bytearray(b"EXIF" + struct.pack("<I", len(exif)) + exif))
    if parts and parts[0][:4] == b"VP8X":
        parts[0][8] = parts[0][8] & ~0x0C | (0x08 if orientation != 1 else 0)  # the flags for EXIF and XMP
    body = b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _gif(data: bytes, orientation: int) -> bytes:
    flags = data[10]
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    out = [data[:at]]
    while data[at] != 0x3B:
        start, block = at, data[at]
        if block == 0x21:
            label, name = data[at + 1], data[at + 3 : at + 14]
            at = _blocks(data, at + 2)
            if label == 0xF9 or (label == 0xFF and name in _GIF_LOOPS):  # timing and transparency; loops
                out.append(data[start:at])
        elif block == 0x2C:
            flags = data[at + 9]
            at = _blocks(data, at + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))
            out.append(data[start:at])
        else:
            raise StripError(f"gif: a block of kind {block}")
    return b"".join([*out, b"\x3b"])


def _blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1
