"""What comes out of an archive: records, and places where there should have been one."""

from __future__ import annotations

from typing import NamedTuple

RESPONSE, REVISIT = "response", "revisit"


class Record(NamedTuple):
    """One capture. `block` is the record's content as stored: HTTP head and body."""

    kind: str  # RESPONSE or REVISIT
    url: str  # WARC-Target-URI, without the angle brackets some writers put around it
    date: str  # WARC-Date, ISO 8601, as written
    offset: int  # of the record's first byte in the file (compressed members: the member's)
    length: int  # to the next record
    block: bytes
    http: bool = True  # False: the block is a body without an HTTP head (old crawlers' dns:, ftp:)
    problem: str = ""  # truncated | too_large: the block is not whole
    message: str = ""


class Problem(NamedTuple):
    """Bytes that are no readable record."""

    kind: str  # garbage | truncated | not_an_archive | bad_header
    offset: int
    length: int
    message: str
