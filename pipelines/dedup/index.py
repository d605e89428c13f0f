"""The dedup index: what earlier runs kept, as keys and signatures, so that a later crawl is compared without their texts.

    INDEX/manifest.json                       written last; names the segments and what their signatures mean
    INDEX/segments/<id>/documents/<n>.parquet one row per kept document: doc_id, run, url_key, text_key, signature
    INDEX/segments/<id>/keys/<p>.parquet      (kind, key) -> doc_id, run; partition = key mod partitions
    INDEX/segments/<id>/bands/<p>.parquet     band -> position in documents; partition = band mod partitions

A run appends one segment of its own size. `compact` makes one segment of all; `remove` takes a run out again (at once for
readers; the bytes of a compacted segment go at the next compaction). A bucket of a later run reads only the partitions that can
hold its keys. Near-duplicates of earlier documents are found by band and confirmed by the signatures' estimate (standard error
about 0.04 at 112 values), because their shingles are gone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines import storage
from pipelines.dedup.keys import KEY, fixed, of_column, to_column
from pipelines.dedup.minhash import band_keys
from schemas.ids import digest128

if TYPE_CHECKING:
    from pipelines.dedup.work import Work
    from pipelines.settings.dedup import DedupSettings

FORMAT = 1
FILE_ROWS = 1_000_000
GROUP_ROWS = 1_024  # read together when a signature is looked up
URL, TEXT = 0, 1
_ID = re.compile(r"[0-9a-f]{16}")
_KEYS = pa.schema([("kind", pa.int8()), ("key", KEY), ("doc_id", pa.string()), ("run", pa.string())])
_BANDS = pa.schema([("band", pa.uint64()), ("position", pa.int64())])


class DedupIndexError(ValueError):
    """The index cannot be used with this configuration; says why and what to do."""


@dataclass(frozen=True)
class Segment:
    id: str
    runs: tuple[str, ...]
    removed: tuple[str, ...]
    documents: int


@dataclass(frozen=True)
class Index:
    root: str
    partitions: int
    scheme: dict[str, int]
    segments: tuple[Segment, ...]

    def runs(self) -> tuple[str, ...]:
        return tuple(sorted({r for s in self.segments for r in s.runs if r not in s.removed}))

    def path(self, segment: Segment | str, *parts: str) -> str:
        return storage.join(self.root, "segments", segment if isinstance(segment, str) else segment.id, *parts)


def scheme(settings: DedupSettings) -> dict[str, int]:
    """What must be equal for signatures to be comparable."""
    return {"shingle_words": settings.shingle_words, "bands": settings.bands, "rows": settings.rows, "seed": settings.seed}


def open_index(root: str, settings: DedupSettings) -> Index:
    """The index as its manifest has it; an empty one if there is none yet. DedupIndexError if its signatures are of another kind."""
    path = storage.join(root, "manifest.json")
    if not storage.exists(path):
        return Index(root, 64, scheme(settings), ())
    raw = _manifest(path)
    if raw["scheme"] != scheme(settings):
        raise DedupIndexError(f"{path}: built with {raw['scheme']}, the configuration says {scheme(settings)}: use the index's values")
    segments = tuple(Segment(s["id"], tuple(s["runs"]), tuple(s["removed"]), s["documents"]) for s in raw["segments"])
    return Index(root, raw["partitions"], raw["scheme"], segments)


def settings_of(root: str) -> DedupSettings:
    """Settings that fit an index that is there, to list, compact or drop without a configuration. DedupIndexError if there is none."""
    from pipelines.settings.dedup import DedupSettings

    path = storage.join(root, "manifest.json")
    if not storage.exists(path):
        raise DedupIndexError(f"{root}: no dedup index there (manifest.json is missing); `weft index append` makes one")
    return DedupSettings(**_manifest(path)["scheme"])


def _manifest(path: str) -> dict[str, Any]:
    """The manifest, checked: segments are named by what becomes part of a path."""
    try:
        raw = json.loads(storage.read_bytes(path))
        if raw["format"] != FORMAT:
            raise DedupIndexError(
                f"{path}: dedup index of format {raw['format']}, this version reads {FORMAT}: build it again from its runs"
            )
        sound = set(raw["scheme"]) == {"shingle_words", "bands", "rows", "seed"} and isinstance(raw["partitions"], int)
        if not sound or not all(_ID.fullmatch(s["id"]) and {"runs", "removed", "documents"} <= set(s) for s in raw["segments"]):
            raise KeyError("segments")
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        if isinstance(e, DedupIndexError):
            raise
        raise DedupIndexError(f"{path}: not a dedup index's manifest ({type(e).__name__}: {e}): build the index again from its runs") from e
    return raw


def identity(root: str, settings: DedupSettings, run: str) -> str:
    """What a later run's result depends on: everything in the index but `run` itself."""
    index = open_index(root, settings)
    return digest128("index", *(r for r in index.runs() if r != run), *(s.id for s in index.segments if set(s.runs) - {run}))


def append(root: str, run: str, documents: Iterable[pa.Table], settings: DedupSettings, partitions: int = 64) -> Index:
    """Add a run's kept documents (tables `signatures` of its dedup stage). Adding a run again replaces it. `partitions` counts for a
    new index only; a power of two."""
    if partitions & (partitions - 1) or partitions < 1:
        raise DedupIndexError(f"partitions = {partitions}: it must be a power of two")
    index = open_index(root, settings)
    if not index.segments:
        index = Index(root, partitions, index.scheme, ())
    return _publish(index, (*_without(index, run), _build(index, _with_run(documents, run))))


def remove(root: str, run: str, settings: DedupSettings) -> Index:
    """Take a run out. DedupIndexError if it is not in."""
    index = open_index(root, settings)
    if run not in index.runs():
        raise DedupIndexError(f"{root}: no run {run!r} in this dedup index; there are: {', '.join(index.runs()) or 'none'}")
    return _publish(index, _without(index, run))


def _without(index: Index, run: str) -> list[Segment]:
    marked = [Segment(s.id, s.runs, tuple(sorted({*s.removed, run} & set(s.runs))), s.documents) for s in index.segments]
    return [s for s in marked if set(s.runs) - set(s.removed)]


def compact(root: str, settings: DedupSettings) -> Index:
    """One segment instead of many, without the removed runs."""
    index = open_index(root, settings)
    return _publish(index, (_build(index, _documents(index)),) if index.segments else ())


def _with_run(documents: Iterable[pa.Table], run: str) -> Iterator[pa.Table]:
    for table in documents:
        table = table.select(["doc_id", "url_key", "text_key", "signature"])
        yield table.add_column(1, "run", pa.array([run] * len(table), pa.string()))


def _documents(index: Index) -> Iterator[pa.Table]:
    for segment in index.segments:
        for n in range(-(-segment.documents // FILE_ROWS)):
            with storage.open_read(index.path(segment, "documents", f"{n:05d}.parquet")) as f:
                for batch in pq.ParquetFile(f).iter_batches(65_536):
                    table = pa.Table.from_batches([batch])
                    yield table.filter(pc.invert(pc.is_in(table["run"], pa.array(segment.removed, pa.string()))))


def _build(index: Index, documents: Iterator[pa.Table]) -> Segment:
    """Write a segment. Its id comes from its content, so that building it again writes the same files."""
    width = 4 * index.scheme["bands"] * index.scheme["rows"]
    stored = pa.schema(
        [("doc_id", pa.string()), ("run", pa.string()), ("url_key", KEY), ("text_key", KEY), ("signature", pa.binary(width))]
    )
    tables = pa.concat_tables([stored.empty_table(), *(t.cast(stored) for t in documents)]).sort_by(
        [("doc_id", "ascending"), ("run", "ascending")]
    )
    ids = tables["doc_id"].to_pylist()
    runs = tuple(sorted(set(tables["run"].to_pylist())))
    content = hashlib.sha256()
    for column in ("url_key", "text_key", "signature"):
        for value in tables[column].to_pylist():
            content.update(value or b"-")
    name = digest128("segment", *runs, *ids, content.hexdigest())[:16]
    for n, begin in enumerate(range(0, len(tables), FILE_ROWS)):
        with storage.atomic(index.path(name, "documents", f"{n:05d}.parquet")) as f:
            pq.write_table(tables.slice(begin, FILE_ROWS), f, row_group_size=GROUP_ROWS, compression="zstd", use_dictionary=["run"])
    with ExitStack() as stack:
        _write_keys(index, name, tables, stack)
        _write_bands(index, name, tables, stack)
    return Segment(name, runs, (), len(tables))


def _write_keys(index: Index, name: str, table: pa.Table, stack: ExitStack) -> None:
    writers = _Writers(index, name, "keys", _KEYS, stack)
    for begin in range(0, len(table), 65_536):
        part = table.slice(begin, 65_536)
        for kind, column in ((URL, "url_key"), (TEXT, "text_key")):
            some = part.filter(pc.is_valid(part[column]))
            key = of_column(some[column])
            rows = pa.table([np.full(len(some), kind, np.int8), to_column(key), some["doc_id"], some["run"]], schema=_KEYS)
            writers.write(rows, key[:, 1])


def _write_bands(index: Index, name: str, table: pa.Table, stack: ExitStack) -> None:
    writers = _Writers(index, name, "bands", _BANDS, stack)
    for begin in range(0, len(table), 65_536):
        part = table.slice(begin, 65_536)
        there = np.flatnonzero(pc.is_valid(part["signature"]).to_numpy(zero_copy_only=False))
        if len(there):
            signature = fixed(part["signature"].take(pa.array(there)), part.schema.field("signature").type.byte_width).view("<u4")
            keys = band_keys(signature, index.scheme["bands"], index.scheme["rows"])
            position = np.repeat(there + begin, keys.shape[1])
            writers.write(pa.table([keys.reshape(-1), position], schema=_BANDS), keys.reshape(-1))


class _Writers:
    """One open Parquet file per partition."""

    def __init__(self, index: Index, name: str, what: str, schema: pa.Schema, stack: ExitStack):
        self.partitions = index.partitions
        self.files = []
        for p in range(index.partitions):
            f = stack.enter_context(storage.atomic(index.path(name, what, f"{p:05d}.parquet")))
            self.files.append(stack.enter_context(pq.ParquetWriter(f, schema, compression="zstd")))

    def write(self, table: pa.Table, key: NDArray[np.uint64]) -> None:
        partition = (key % np.uint64(self.partitions)).astype(np.int64)
        for p in np.unique(partition):
            self.files[p].write_table(table.filter(pa.array(partition == p)))


def _publish(index: Index, segments: Sequence[Segment]) -> Index:
    """Write the manifest, then delete what it no longer names. DedupIndexError if another process has changed the index meanwhile."""
    path = storage.join(index.root, "manifest.json")
    there = [(s["id"], tuple(s["removed"])) for s in _manifest(path)["segments"]] if storage.exists(path) else []
    gone = not all(storage.exists(index.path(s, "keys", "00000.parquet")) for s in segments)
    if gone or there != [(s.id, s.removed) for s in index.segments]:
        raise DedupIndexError(f"{index.root}: another process has changed the dedup index meanwhile; nothing was written: do it again")
    new = Index(index.root, index.partitions, index.scheme, tuple(segments))
    raw: dict[str, Any] = {"format": FORMAT, "partitions": new.partitions, "scheme": new.scheme}
    raw["segments"] = [{"id": s.id, "runs": s.runs, "removed": s.removed, "documents": s.documents} for s in new.segments]
    storage.write_bytes(path, (json.dumps(raw, indent=1, sort_keys=True) + "\n").encode())
    for segment in storage.listing(storage.join(new.root, "segments")):
        if segment not in {s.id for s in new.segments}:
            storage.remove_tree(new.path(segment))
    return new


def partitions_of(index: Index, bucket: str, buckets: tuple[str, ...]) -> list[str]:
    """The partitions that can hold a bucket's keys: both counts are powers of two and number by the same low bits."""
    i, step = buckets.index(bucket), min(len(buckets), index.partitions)
    return [f"{p:05d}.parquet" for p in range(i % step, index.partitions, step)]


def known(work: Work, kind: str, bucket: str, key: NDArray[np.uint64]) -> list[str | None]:
    """For each key the doc_id of an earlier run that has it (the smallest), or None."""
    if not work.settings.index or kind not in work.settings.index_match or not len(key):
        return [None] * len(key)
    index = open_index(work.settings.index, work.settings)
    wanted = pa.table([to_column(key), pa.array(np.arange(len(key)))], names=["key", "at"])
    out: list[str | None] = [None] * len(key)
    for segment in index.segments:
        hidden = pa.array([*segment.removed, work.run], pa.string())
        for name in partitions_of(index, bucket, work.buckets):
            table = storage.read_table(index.path(segment, "keys", name))
            table = table.filter(pc.equal(table["kind"], URL if kind == "url" else TEXT))
            table = table.filter(pc.invert(pc.is_in(table["run"], hidden)))
            found = wanted.join(table.select(["key", "doc_id"]), keys="key", join_type="inner")
            for at, doc_id in zip(found["at"].to_pylist(), found["doc_id"].to_pylist(), strict=True):
                out[at] = min(doc_id, out[at] or doc_id)
    return out


def band_matches(work: Work, bucket: str, band: NDArray[np.uint64], place: NDArray[np.uint64]) -> Iterator[tuple[int, pa.Table]]:
    """(number of the segment, (place, position) that share a band) for a bucket's bands."""
    index = open_index(work.settings.index, work.settings)
    mine = pa.table([band, place], names=["band", "place"])
    for number, segment in enumerate(index.segments):
        for name in partitions_of(index, bucket, work.buckets):
            table = storage.read_table(index.path(segment, "bands", name))
            yield number, mine.join(table, keys="band", join_type="inner").select(["place", "position"])


def signatures_at(index: Index, number: int, positions: NDArray[np.int64]) -> tuple[NDArray[np.uint32], list[str], NDArray[np.bool_]]:
    """(signatures, doc_ids, runs) at distinct ascending positions; only their row groups are read."""
    segment = index.segments[number]
    width = 4 * index.scheme["bands"] * index.scheme["rows"]
    parts = []
    for n in np.unique(positions // FILE_ROWS):
        inside = positions[positions // FILE_ROWS == n] - n * FILE_ROWS
        with storage.open_read(index.path(segment, "documents", f"{n:05d}.parquet")) as f:
            file = pq.ParquetFile(f)
            for group in np.unique(inside // GROUP_ROWS):
                rows = inside[inside // GROUP_ROWS == group] - group * GROUP_ROWS
                parts.append(file.read_row_group(int(group), columns=["doc_id", "run", "signature"]).take(pa.array(rows)))
    table = pa.concat_tables(parts).combine_chunks()
    return fixed(table["signature"], width).view("<u4"), table["doc_id"].to_pylist(), np.array(table["run"].to_pylist(), object)
