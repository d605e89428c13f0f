"""What a picture's header says, read without any decoder: format, size, frames, orientation.

Own parsers of a few lines each, bounded by the bytes they are given, so that nothing native sees a file before its size is
known to be sane. `read` raises HeaderError for what is no picture; for formats that are known but not decoded (TIFF, SVG ...)
it gives the format alone, size 0 x 0.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class HeaderError(ValueError):
    """No picture, or a header that contradicts itself."""


class Header(NamedTuple):
    format: str
    width: int = 0  # as stored, before orientation
    height: int = 0
    frames: int = 1
    orientation: int = 1  # EXIF, 1 to 8

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height as seen."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def read(data: bytes) -> Header:
    """The header of a picture. HeaderError says what is wrong."""
    kind = sniff(data)
    if kind is None:
        raise HeaderError(f"no picture: starts with {data[:8].hex() or 'nothing'}")
    parser = _PARSERS.get(kind)
    if parser is None:
        return Header(kind)
    try:
        header = parser(data)
    except (IndexError, struct.error) as e:
        raise HeaderError(f"{kind}: the header is cut off") from e
    if header.width <= 0 or header.height <= 0:
        raise HeaderError(f"{kind}: a size of {header.width} x {header.height}")
    return header


def sniff(data: bytes) -> str | None:
    """The format by its first bytes, or None."""
    head = data[:32]
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        brands = data[8 : min(len(data), 8 + 64)]
        if brands[:4] in (b"avif", b"avis") or (brands[:4] in (b"mif1", b"msf1") and b"avi" in brands):
            return "avif"
        return "heif" if brands[:4] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1") else None
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in data[:4096].lower()):
        return "svg"
    return None


_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"), (b"II*\0", "tiff"), (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"), (b"MM\0+", "tiff"), (b"BM", "bmp"), (b"\0\0\1\0", "ico"), (b"\0\0\2\0", "cur"), (b"8BPS", "psd"),
    (b"\0\0\0\x0cjP  ", "jp2"), (b"\xff\x4f\xff\x51", "jp2"), (b"\xff\x0a", "jxl"), (b"\0\0\0\x0cJXL ", "jxl"), (b"DDS ", "dds"),
    (b"%!PS", "eps"), (b"\xc5\xd0\xd3\xc6", "eps"), (b"\x01\xda", "sgi"), (b"qoif", "qoi"),
)  # fmt: skip


def _jpeg(data: bytes) -> Header:
    at, orientation = 2, 1
    while True:
        if data[at] != 0xFF:  # between segments stands a marker; stray bytes are skipped, as decoders do
            at = data.find(b"\xff", at)
            if at < 0:
                raise IndexError
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            continue
        if marker in (0xD9, 0xDA):
            raise HeaderError("jpeg: picture data before a frame header")
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2:
            raise HeaderError(f"jpeg: a segment of length {length}")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 3)
            return Header("jpeg", width, height, 1, orientation)
        if marker == 0xE1 and data[at + 2 : at + 8] == b"Exif\0\0":
            orientation = exif_orientation(data[at + 8 : at + length])
        at += length


def _png(data: bytes) -> Header:
    length, kind, width, height, depth, colour = struct.unpack_from(">I4sIIBB", data, 8)
    if kind != b"IHDR" or length != 13:
        raise HeaderError("png: does not start with its header chunk")
    if width > 0x7FFFFFFF or height > 0x7FFFFFFF or depth not in (1, 2, 4, 8, 16) or colour not in (0, 2, 3, 4, 6):
        raise HeaderError(f"png: {width} x {height}, depth {depth}, colour type {colour}")
    at, frames, orientation = 33, 1, 1
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"acTL" and length >= 4 and at + 12 <= len(data):
            frames = max(1, struct.unpack_from(">I", data, at + 8)[0])
        elif kind == b"eXIf":
            orientation = exif_orientation(data[at + 8 : at + 8 + min(length, 65536)])
        elif kind in (b"IDAT", b"IEND"):
            break
        at += 12 + length
    return Header("png", width, height, frames, orientation)


def _gif(data: bytes) -> Header:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    frames = 0
    while at < len(data):
        block = data[at]
        if block == 0x21:
            at = _gif_blocks(data, at + 2)
        elif block == 0x2C:
            if at + 10 > len(data):
                break
            left, top, w, h, flags = struct.unpack_from("<HHHHB", data, at + 1)
            if not frames:  # a first frame larger than the screen makes decoders enlarge the screen
                width, height = max(width, left + w), max(height, top + h)
            frames += 1
            at = _gif_blocks(data, at + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0))
        else:  # the trailer, or rubbish
            break
    if not frames:
        raise HeaderError("gif: no frame in it")
    return Header("gif", width, height, frames)


def _gif_blocks(data: bytes, at: int) -> int:
    """The position after a chain of sub-blocks."""
    n = len(data)
    while at < n and data[at]:
        at += 1 + data[at]
    return at + 1


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8 ":
        if data[23:26] != b"\x9d\x01\x2a":
            raise HeaderError("webp: no key frame")
        width, height = struct.unpack_from("<HH", data, 26)
        return Header("webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        if data[20] != 0x2F:
            raise HeaderError("webp: wrong lossless signature")
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind != b"VP8X":
        raise HeaderError(f"webp: first chunk {kind!r}")
    width = int.from_bytes(data[24:27], "little") + 1
    height = int.from_bytes(data[27:30], "little") + 1
    _ = data[29]
    frames, orientation, at = 0, 1, 30
    while at + 8 <= len(data):
        chunk, length = struct.unpack_from("<4sI", data, at)
        if chunk == b"ANMF":
            frames += 1
        elif chunk == b"EXIF":
            orientation = exif_orientation(data[at + 8 : at + 8 + min(length, 65536)])
        at += 8 + length + (length & 1)
    return Header("webp", width, height, max(1, frames), orientation)


def _avif(data: bytes) -> Header:
    sizes = []
    at = data.find(b"ispe", 0, 65536)
    while at >= 0 and len(sizes) < 256:
        sizes.append(struct.unpack_from(">II", data, at + 8))
        at = data.find(b"ispe", at + 4, 65536)
    if not sizes:
        raise HeaderError("avif: no size in its header")
    width, height = max(sizes, key=lambda s: s[0] * s[1])
    return Header("avif", width, height, 2 if data[8:12] == b"avis" else 1)


def exif_orientation(tiff: bytes) -> int:
    """Orientation 1 to 8 from an EXIF block; 1 if it does not say or cannot be read."""
    if tiff[:6] == b"Exif\0\0":
        tiff = tiff[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, at)
        for i in range(min(entries, 512)):
            tag, kind, count = struct.unpack_from(order + "HHI", tiff, at + 2 + 12 * i)
            if tag == 0x0112 and kind == 3 and count == 1:
                (value,) = struct.unpack_from(order + "H", tiff, at + 10 + 12 * i)
                return value if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


_PARSERS = {"jpeg": _jpeg, "png": _png, "gif": _gif, "webp": _webp, "avif": _avif}
