"""The text side of packing: what a unit's kept documents put into which shard, still without image bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.locate import Place, Places
from pipelines.stage import Done
from pipelines.survivors import survivors
from schemas.ids import bucket_of
from schemas.manifest import Part
from schemas.rows import TEXT, Document
from schemas.shard import PROVENANCE, shard_id
from schemas.tables import schema

END = "end"  # role of the mark between two parts of a document: no text of its own
SIMILARITY = "pair_similarity"


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """A text, or an image by where its bytes lie."""

    node: int
    text: str | None = None
    url: str = ""
    alt: str = ""
    caption: str = ""
    clip_score: float | None = None
    image_id: str = ""
    place: Place | None = None  # None: never fetched, which is a fault upstream and is treated as lost


class Body(msgspec.Struct, frozen=True):
    fields: dict[str, Any]
    pieces: list[Piece]
    quality: dict[str, float | None]


encode = msgspec.json.Encoder(order="sorted").encode
decode = msgspec.json.Decoder(Body).decode


def shard_of(doc_id: str, split: str, shards: Mapping[str, int]) -> str:
    """The shard of a document: by a hash of its id, among its split's shards."""
    return shard_id(split, bucket_of(doc_id, shards[split]))


def body(document: Document, places: Places, scores: Mapping[int, float], quality: Mapping[str, float | None]) -> Body:
    """The kept nodes of a document, in order."""
    pieces = []
    for n in document.nodes:
        if n.reason or n.role == END:
            continue
        if n.kind == TEXT:
            pieces.append(Piece(n.index, n.text))
        else:
            found = places.find(n.image_id)
            pieces.append(Piece(n.index, None, n.url, n.alt, n.caption, scores.get(n.index), n.image_id, found))
    return Body({name: getattr(document, name) for name in PROVENANCE}, pieces, dict(quality))


def unit_rows(unit: str, inputs: Mapping[str, Done], places: Places, shards: Mapping[str, int], measures: bool) -> pa.Table:
    """A unit's kept documents as rows of the table `rows`, sorted by shard and id. ValueError where select has no row for one."""
    splits = _splits(inputs["select"], unit)
    scores = _scores(inputs["score"], unit)
    quality = _quality(inputs["extract"], unit) if measures else {}
    out = []
    for row, document in survivors(inputs["extract"], inputs["dedup"], unit, inputs["select"]):
        if row not in splits:
            raise ValueError(f"select has no row for document {document.doc_id} (unit {unit}, row {row}): run the select stage again")
        made = body(document, places, scores.get(row, {}), quality.get(row, {}))
        texts = sum(p.text is not None for p in made.pieces)
        out.append(
            {
                "doc_id": document.doc_id,
                "unit": unit,
                "row": row,
                "shard": shard_of(document.doc_id, splits[row], shards),
                "n_text": texts,
                "n_images": len(made.pieces) - texts,
                "body": encode(made),
            }
        )
    out.sort(key=lambda r: (r["shard"], r["doc_id"], r["row"]))
    return pa.Table.from_pylist(out, schema=schema("rows"))


def write_rows(root: str, relative: str, table: pa.Table) -> Part:
    """Write sorted rows with the row groups of each shard apart, so that a shard reads only its own."""
    with storage.parquet_writer(root, relative, schema("rows")) as writer:
        names = table["shard"].to_pylist()
        start = 0
        for i in range(1, len(names) + 1):
            if i == len(names) or names[i] != names[start]:
                writer.write(table.slice(start, i - start))
                start = i
    return writer.part


def shard_rows(path: str, shard: str) -> Iterator[dict[str, Any]]:
    """The rows of one shard in a file of `write_rows`."""
    with storage.open_read(path) as f:
        yield from (r for t in _Shards(f).read(shard) for r in t.to_pylist())


class _Shards:
    """An open file of `write_rows`, by shard."""

    def __init__(self, f: Any):
        self.file = pq.ParquetFile(f)
        self.groups: dict[str, list[int]] = {}  # each row group holds rows of one shard
        column = self.file.schema_arrow.get_field_index("shard")
        for i in range(self.file.metadata.num_row_groups):
            statistics = self.file.metadata.row_group(i).column(column).statistics
            self.groups.setdefault(statistics.min, []).append(i)

    def read(self, shard: str) -> list[pa.Table]:
        return [self.file.read_row_group(i) for i in self.groups.get(shard, ())]


def gather(paths: Sequence[str], shards: Sequence[str], to: str) -> None:
    """Files of `write_rows` as one with a record batch for each shard, so that a shard finds its rows in few files and at once. Every source
    is open, but only one shard's rows are held."""
    with ExitStack() as stack:
        sources = [_Shards(stack.enter_context(storage.open_read(path))) for path in paths]
        f = stack.enter_context(storage.atomic(to))
        writer = stack.enter_context(pa.ipc.new_file(f, schema("rows"), options=pa.ipc.IpcWriteOptions(compression="lz4")))
        for shard in shards:
            rows = pa.concat_tables([schema("rows").empty_table(), *(t for s in sources for t in s.read(shard))])
            writer.write_batch(pa.RecordBatch.from_arrays([c.combine_chunks() for c in rows.columns], schema=rows.schema))


def gathered_rows(path: str, number: int) -> list[dict[str, Any]]:
    """The rows of the shard of this number in a file of `gather`."""
    with storage.open_read(path) as f:
        return pa.ipc.open_file(f).get_batch(number).to_pylist()


def _splits(select: Done, unit: str) -> dict[int, str]:
    t = select.read("selected", unit, ["row", "kept", "split"])
    if t is None:
        return {}
    return {r: s for r, k, s in zip(*(t[c].to_pylist() for c in ("row", "kept", "split")), strict=True) if k}


def _scores(score: Done, unit: str) -> dict[int, dict[int, float]]:
    path = score.path("pairs", unit)
    if path is None:
        return {}
    t = storage.read_table(path)
    if SIMILARITY not in t.column_names:
        return {}
    out: dict[int, dict[int, float]] = {}
    for row, index, value in zip(*(t[c].to_pylist() for c in ("row", "index", SIMILARITY)), strict=True):
        if value is not None:
            out.setdefault(row, {})[index] = value
    return out


def measure_names(extract: Done, unit: str) -> list[str]:
    """The document measures that a unit's table holds."""
    path = extract.path("document_measures", unit)
    if path is None:
        return []
    with storage.open_read(path) as f:
        return sorted(set(pq.read_schema(f).names) - set(schema("document_measures").names))


def _quality(extract: Done, unit: str) -> dict[int, dict[str, float | None]]:
    names = measure_names(extract, unit)
    t = extract.read("document_measures", unit, ["row", *names])
    if t is None:
        return {}
    return {r.pop("row"): r for r in t.to_pylist() if r["row"] >= 0}
