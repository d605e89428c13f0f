"""From what the configuration names (paths, lists, crawl ids, pointers) to units of work."""

from __future__ import annotations

import csv
import glob
import gzip
import hashlib
import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass

from pipelines import storage
from pipelines.settings.input import InputSettings
from pipelines.web.careful import MAX_HEADER, parse_header
from pipelines.web.source import Source, SourceError, is_remote

SUFFIXES = (".warc", ".warc.gz", ".warc.zst", ".warc.lz4", ".warc.bz2", ".arc", ".arc.gz")
MAX_SIZE_REQUESTS = 64  # remote files beyond this number are taken whole instead of being asked for their sizes
WHOLE = 1 << 62
LIST_BYTES = 256 << 20  # a decompressed list of archives; Common Crawl's have about 10 MB
_CRAWL = re.compile(r"CC-(?:MAIN|NEWS)-\d{4}-\d{2}")


class InputError(ValueError):
    """An input does not exist or is not what it should be."""


@dataclass(frozen=True)
class Unit:
    """One part of the work: a range of one archive, or single records of several."""

    name: str
    path: str
    start: int = 0
    end: int = WHOLE
    pointers: tuple[tuple[str, int, int], ...] = ()  # (path, offset, length)


NO_INPUT = "no input: set input.paths, input.lists, input.crawls or input.pointers"


def archives(settings: InputSettings) -> list[str]:
    """Paths of all archives named, in order, each once. InputError names what is missing."""
    found: dict[str, None] = {}
    for path in settings.paths:
        found.update(dict.fromkeys(_expand(path)))
    for path in settings.lists:
        found.update(dict.fromkeys(resolve(settings, line) for line in lines(path)))
    for crawl in settings.crawls:
        listing = f"{settings.base_url}crawl-data/{crawl}/warc.paths.gz"
        found.update(dict.fromkeys(resolve(settings, line) for line in lines(listing)))
    paths = list(found)
    return paths[: settings.max_files] if settings.max_files else paths


def resolve(settings: InputSettings, name: str) -> str:
    """An absolute path stays; a relative one is below `base_url`."""
    return name if is_remote(name) or os.path.isabs(name) or not settings.base_url else settings.base_url + name


def _expand(path: str) -> list[str]:
    if is_remote(path):
        return [path]
    path = path.removeprefix("file://")
    if os.path.isdir(path):
        inside = sorted(os.path.join(path, n) for n in os.listdir(path) if n.endswith(SUFFIXES))
        if not inside:
            raise InputError(f"input folder {path!r} holds no archive (files ending in {', '.join(SUFFIXES)})")
        return inside
    if os.path.exists(path):
        return [path]
    matches = sorted(p for p in glob.glob(path, recursive=True) if os.path.isfile(p))
    if not matches:
        raise InputError(f"input {path!r}: no such file, and no file matches it")
    return matches


def lines(path: str) -> list[str]:
    """Non-empty lines of a text file, plain or gzip, local or remote."""
    text = read_text(path)
    return [s for s in (line.strip() for line in text.splitlines()) if s and not s.startswith("#")]


def read_text(path: str) -> str:
    try:
        with Source(path) as source:
            data = source.read_at(0, source.size) if source.size else _unsized(path)
    except SourceError as e:
        raise InputError(f"cannot read the list {path!r}: {e}") from e
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(data)) as f:
                data = f.read(LIST_BYTES + 1)
        except (OSError, EOFError) as e:
            raise InputError(f"the list {path!r} is a damaged gzip file: {e}") from e
    if len(data) > LIST_BYTES:
        raise InputError(f"the list {path!r} has more than {LIST_BYTES} bytes; split it")
    return data.decode("utf-8", "replace")


def _unsized(path: str) -> bytes:
    """A server that does not tell sizes still sends the file."""
    if not is_remote(path):
        return b""
    import fsspec

    with fsspec.open(path, "rb") as f:
        return f.read()


def units(settings: InputSettings) -> list[Unit]:
    """The numbered units of work, in the order of the inputs. InputError if there is no input at all."""
    paths = archives(settings)
    ask = len([p for p in paths if is_remote(p)]) <= MAX_SIZE_REQUESTS
    drafts: list[Unit] = []
    for path in paths:
        drafts += [Unit("", path, a, b) for a, b in _ranges(path, settings.unit_bytes, ask)]
    rows = sorted({(resolve(settings, p), o, n) for file in settings.pointers for p, o, n in read_pointers(file)})
    for i in range(0, len(rows), settings.unit_pointers):
        part = tuple(rows[i : i + settings.unit_pointers])
        drafts.append(Unit("", part[0][0], pointers=part))
    if not drafts:
        raise InputError(NO_INPUT)
    width = max(5, len(str(len(drafts) - 1)))
    return [Unit(f"{i:0{width}d}", u.path, u.start, u.end, u.pointers) for i, u in enumerate(drafts)]


def _ranges(path: str, unit_bytes: int, ask: bool) -> Iterator[tuple[int, int]]:
    """Ranges that tile an archive. Gzip WARCs are cut anywhere (readers move to the next member), local plain WARCs at records,
    all else is one range."""
    splits = path.endswith(".gz") and not path.endswith(".arc.gz")
    plain = path.endswith(".warc") and not is_remote(path)
    if not (splits or plain) or (is_remote(path) and not ask):
        yield 0, WHOLE
        return
    with _opened(path) as source:
        size = source.size
        if size <= unit_bytes * 3 // 2:
            yield 0, WHOLE
            return
        cuts = list(range(unit_bytes, size - unit_bytes // 2, unit_bytes)) if splits else _record_cuts(source, unit_bytes)
    yield from zip([0, *cuts], [*cuts, WHOLE], strict=True)


def _record_cuts(source: Source, unit_bytes: int) -> list[int]:
    """Starts of records about `unit_bytes` apart, found by stepping from record to record (a page may hold a line that looks like a
    record, so searching would not be safe). Stops at the first record that does not add up; the rest stays one range."""
    cuts: list[int] = []
    at, last = 0, 0
    while at < source.size:
        head = source.read_at(at, 4096)
        header = parse_header(head) or parse_header(source.read_at(at, MAX_HEADER))
        if header is None or header.length < 0:
            break
        if at - last >= unit_bytes and source.size - at >= unit_bytes // 2:
            cuts.append(at)
            last = at
        body_end = at + header.size + header.length
        after = source.read_at(body_end, 16)
        at = body_end + len(after) - len(after.lstrip(b"\r\n"))
    return cuts


def _opened(path: str) -> Source:
    try:
        return Source(path)
    except SourceError as e:
        raise InputError(str(e)) from e


_PATH, _OFFSET, _LENGTH = ("warc_filename", "filename", "path"), ("warc_record_offset", "offset"), ("warc_record_length", "length")


def read_pointers(path: str) -> Iterator[tuple[str, int, int]]:
    """(archive, offset, length) rows of a pointer file. InputError names file and row."""
    name = path.removesuffix(".gz")
    rows: Iterable[dict[str, object]]
    if name.endswith(".parquet"):
        table = storage.read_table(path)
        rows = table.to_pylist()
    elif name.endswith((".csv", ".tsv")):
        rows = csv.DictReader(io.StringIO(read_text(path)), delimiter="\t" if name.endswith(".tsv") else ",")
    elif name.endswith((".jsonl", ".json", ".cdxj")):
        rows = (_json(path, i, line) for i, line in enumerate(lines(path), 1))
    else:
        raise InputError(f"pointer file {path!r}: write .jsonl, .csv, .tsv or .parquet")
    for i, row in enumerate(rows, 1):
        try:
            yield str(_field(row, _PATH)), int(_field(row, _OFFSET)), int(_field(row, _LENGTH))  # type: ignore[call-overload]
        except (KeyError, TypeError, ValueError) as e:
            raise InputError(f"pointer file {path!r}, row {i}: needs {_PATH[0]}, {_OFFSET[0]}, {_LENGTH[0]} ({e})") from e


def _json(path: str, number: int, line: str) -> dict[str, object]:
    start = line.find("{")  # a CDXJ line has a key and a time before its JSON
    try:
        return json.loads(line[start:])
    except ValueError as e:
        raise InputError(f"pointer file {path!r}, line {number}: not JSON ({e})") from e


def _field(row: dict[str, object], names: tuple[str, ...]) -> object:
    for n in names:
        if row.get(n) not in (None, ""):
            return row[n]
    raise KeyError(f"no {' or '.join(names)}")


def crawl_of(path: str, default: str = "") -> str:
    """The Common Crawl id in a path; else `default`."""
    m = _CRAWL.search(path)
    return m[0] if m else default


def identity(settings: InputSettings) -> dict[str, str]:
    """What a run's input is, for its digest: local files by size, lists by content, remote files by name."""
    out: dict[str, str] = {}
    for path in archives(settings):
        out[path] = _stat(path)
    for path in settings.pointers:
        out[path] = hashlib.sha256(storage.read_bytes(path)).hexdigest()[:16]
    return out


def _stat(path: str) -> str:
    if is_remote(path):
        return "remote"
    try:
        return str(os.path.getsize(path.removeprefix("file://")))
    except OSError as e:
        raise InputError(f"input {path!r}: {e.strerror}") from e


def dump_units(found: list[Unit]) -> bytes:
    """One JSON object a line."""
    return b"".join((json.dumps(asdict(u), sort_keys=True) + "\n").encode() for u in found)


def load_units(data: bytes, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, Unit]:
    out = {}
    for line in data.decode().splitlines():
        raw = json.loads(line)
        if wanted(raw["name"]):
            out[raw["name"]] = Unit(**{**raw, "pointers": tuple((p, o, n) for p, o, n in raw["pointers"])})
    return out
