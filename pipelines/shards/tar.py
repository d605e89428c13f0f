"""USTAR with nothing in it that could differ between two machines, written and read strictly.

Names under 100 bytes, regular files only, mode 0644, uid, gid and mtime 0, no owner names, no extensions, two zero blocks at the end.
Whatever is not byte for byte what this module writes is a fault for `verify`.
"""

from __future__ import annotations

from schemas.shard import BLOCK

MAX_SIZE = 8**11 - 1  # what eleven octal digits hold: 8 GiB - 1
_REST = b"".join(
    [
        b"0",  # regular file
        b"\0" * 100,  # link name
        b"ustar\x0000",
        b"\0" * 32 * 2,  # owner and group names
        b"0000000\0" * 2,  # device numbers
        b"\0" * 155,  # name prefix
        b"\0" * 12,
    ]
)
_FIXED = b"0000644\0" + b"0000000\0" * 2
_MTIME = b"00000000000\0"
_CONSTANT_SUM = sum(_FIXED) + sum(_MTIME) + 8 * ord(" ") + sum(_REST)


class TarError(ValueError):
    """A header is not what this project writes; the message says what is wrong with it."""


def header(name: str, size: int) -> bytes:
    """The 512 bytes before a member's content. ValueError for a name or size that does not fit."""
    raw = name.encode("ascii")
    if not 0 < len(raw) < 100:
        raise ValueError(f"member name {name!r}: 1 to 99 ASCII characters fit into a tar header")
    if not 0 <= size <= MAX_SIZE:
        raise ValueError(f"member {name!r}: {size} bytes, a tar member holds at most {MAX_SIZE}")
    digits = b"%011o\0" % size
    checksum = sum(raw) + sum(digits) + _CONSTANT_SUM
    return b"".join([raw, b"\0" * (100 - len(raw)), _FIXED, digits, _MTIME, b"%06o\0 " % checksum, _REST])


def padding(size: int) -> int:
    """Zero bytes after a content of `size` bytes."""
    return -size % BLOCK


def span(size: int) -> int:
    """Bytes a member takes: header, content, padding."""
    return BLOCK + size + padding(size)


def parse(block: bytes | memoryview) -> tuple[str, int]:
    """Name and size from a header; TarError unless `header(name, size)` gives exactly these bytes."""
    raw = bytes(block)
    if len(raw) != BLOCK:
        raise TarError(f"{len(raw)} bytes where a header of {BLOCK} was expected")
    name, size = raw[:100].rstrip(b"\0"), raw[124:135]
    if not name or not name.isascii():
        raise TarError("no member name" if not name else f"member name {name!r} is not ASCII")
    try:
        number = int(size, 8)
        again = header(name.decode(), number)
    except ValueError as e:
        raise TarError(f"member {name.decode()!r}: size field {size!r}: {e}") from e
    if again != raw:
        wrong = next(i for i in range(BLOCK) if again[i] != raw[i])
        raise TarError(f"member {name.decode()!r}: header byte {wrong} is {raw[wrong]:#04x}, expected {again[wrong]:#04x}")
    return name.decode(), number
