"""Reading a damaged stretch of a WARC record by record, believing nothing it says about itself.

The fast reader hands over here when a record does not add up (its length lies, its member is damaged, garbage follows) and
takes over again at the next sound record.
"""

from __future__ import annotations

from typing import NamedTuple

from pipelines.web.members import GZIP, HEADER_LINE, inflate, next_header, next_member
from pipelines.web.records import RESPONSE, REVISIT, Problem, Record
from pipelines.web.source import Source

MAX_HEADER = 64 << 10


class Header(NamedTuple):
    fields: dict[str, str]  # names in lower case; the first of equal names counts
    size: int  # bytes of the header with the empty line that ends it

    @property
    def kind(self) -> str:
        return self.fields.get("warc-type", "").strip().lower()

    @property
    def length(self) -> int:
        """Content-Length; -1 if it is missing or no number."""
        value = self.fields.get("content-length", "").strip()
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else -1


def parse_header(data: bytes) -> Header | None:
    """The WARC header that `data` begins with; None if it has none or no end within 64 KiB."""
    if HEADER_LINE.match(data[:16]) is None:
        return None
    crlf, lf = data.find(b"\r\n\r\n", 0, MAX_HEADER), data.find(b"\n\n", 0, MAX_HEADER)
    ends = [(p, n) for p, n in ((crlf, 4), (lf, 2)) if p >= 0]
    if not ends:
        return None
    end, width = min(ends)
    fields: dict[str, str] = {}
    last = ""
    for line in data[:end].decode("utf-8", "replace").splitlines()[1:]:
        if line[:1] in (" ", "\t") and last:
            fields[last] += " " + line.strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = name.strip().lower()
            fields.setdefault(last, value.strip())
    return Header(fields, end + width)


def clean_url(url: str) -> str:
    """Some writers put the target into angle brackets, as an old draft of the standard did."""
    url = url.strip()
    return url[1:-1] if url.startswith("<") and url.endswith(">") else url


def is_http(url: str, content_type: str | None) -> bool:
    return (content_type or "").lower().startswith("application/http") or (not content_type and url.startswith("http"))


def make(header: Header, offset: int, length: int, block: bytes, problem: str = "", message: str = "") -> Record | None:
    """A Record, or None for kinds that are not pages."""
    kind = header.kind
    if kind not in (RESPONSE, REVISIT):
        return None
    url = clean_url(header.fields.get("warc-target-uri", ""))
    http = is_http(url, header.fields.get("content-type"))
    return Record(kind, url, header.fields.get("warc-date", ""), offset, length, block, http, problem, message)


def gzip_stretch(source: Source, at: int, end: int, cap: int) -> tuple[list[Record | Problem], int]:
    """What lies in the member at `at` (or the garbage up to the next one), and where to go on."""
    if source.read_at(at, 3) != GZIP:
        go_on = next_member(source, at + 1, end)
        return [Problem("garbage", at, go_on - at, f"{go_on - at} bytes that are no record")], go_on
    member = inflate(source, at, end, cap)
    go_on = at + member.used if member.complete else next_member(source, at + 1, end)
    found, rest = _records(member.data, at, go_on - at, member.error)
    if not found and not rest and not member.complete:
        found = [Problem("truncated" if go_on >= end else "garbage", at, go_on - at, f"damaged member: {member.error}")]
    return found, go_on


def _records(data: bytes, offset: int, length: int, error: str) -> tuple[list[Record | Problem], bool]:
    """All records of one decompressed member; True if there was any record, of whatever kind."""
    out: list[Record | Problem] = []
    seen = False
    while data.strip(b"\r\n"):
        header = parse_header(data)
        if header is None:
            kind = "truncated" if "ends inside" in error else "bad_header" if data.startswith(b"WARC/") else "garbage"
            out.append(Problem(kind, offset, length, f"no WARC header in {data[:40]!r}{': ' + error if error else ''}"))
            return out, seen
        seen = True
        size = header.length
        block = data[header.size : header.size + size] if size >= 0 else data[header.size :]
        if size < 0:
            problem, message = "bad_length", f"Content-Length is {header.fields.get('content-length', 'missing')!r}"
        elif len(block) < size:
            problem = "corrupt" if error and "ends inside" not in error else "truncated"
            message = f"{len(block)} of {size} bytes{': ' + error if error else ': the member ends before the record does'}"
        else:
            problem, message = "", ""
        if (record := make(header, offset, length, block, problem, message)) is not None:
            out.append(record)
        elif problem:
            out.append(Problem(problem, offset, length, f"{header.kind or 'untyped'} record: {message}"))
        if size < 0:
            return out, seen
        data = data[header.size + size :].lstrip(b"\r\n")
    return out, seen


def plain_stretch(source: Source, at: int, end: int, cap: int) -> tuple[list[Record | Problem], int]:
    """The same for an uncompressed file: one record, or the garbage up to the next header line."""
    header = parse_header(source.read_at(at, min(MAX_HEADER, end - at)))
    if header is None:
        go_on = next_header(source, at + 1, end)
        if not source.read_at(at, min(MAX_HEADER, go_on - at)).strip():
            return [], go_on
        cut = go_on >= end and b"WARC/".startswith(source.read_at(at, 5))
        return [Problem("truncated" if cut else "garbage", at, go_on - at, f"{go_on - at} bytes that are no record")], go_on
    body, size = at + header.size, header.length
    stop = body + size
    if size >= 0 and stop <= end and _sound(source, stop, end):
        after = source.read_at(stop, min(16, end - stop))
        go_on = stop + len(after) - len(after.lstrip(b"\r\n"))
        large = ("too_large", f"{size} bytes, the limit is {cap}") if size > cap else ("", "")
        record = make(header, at, go_on - at, source.read_at(body, min(size, cap)), *large)
        return ([record] if record else []), go_on
    go_on = next_header(source, body, end)
    block = source.read_at(body, min(go_on - body, cap))
    if size >= 0 and stop > end:
        problem, message = "truncated", f"{end - body} of {size} bytes: the file ends inside this record"
    else:
        problem, message = "bad_length", f"Content-Length is {header.fields.get('content-length', 'missing')!r} but no record ends there"
    record = make(header, at, go_on - at, block, problem, message)
    return [record or Problem(problem, at, go_on - at, f"{header.kind or 'untyped'} record: {message}")], go_on


def _sound(source: Source, stop: int, end: int) -> bool:
    """A record that ends at `stop` is followed by the empty lines that end a record, or by the end of the file."""
    after = source.read_at(stop, min(16, end - stop))
    return not after.strip(b"\r\n") or after.lstrip(b"\r\n").startswith(b"WARC/") or after.startswith(b"\r\n\r\n")
