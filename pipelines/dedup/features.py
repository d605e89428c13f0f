"""What dedup needs of a unit's documents: keys, signatures and shingles. The only place where it reads text."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from pipelines import storage
from pipelines.dedup import minhash, shingles
from pipelines.dedup.keys import KEY, is_key
from pipelines.settings.dedup import DedupSettings
from pipelines.web.urls import page_key
from schemas.ids import digest128

COLUMNS = ["doc_id", "url", "canonical_url", "domain", "fetched_at"]
NODE_COLUMNS = [f"nodes.list.element.{n}" for n in ("index", "kind", "role", "text", "image_id", "url", "reason")]
BATCH = 2_000  # documents held at once
PARAGRAPH, PICTURE = 0, 1


@dataclass(frozen=True)
class Features:
    """Of one unit. `documents`: one row each, in order. `nodes`: one row per text or image node not dropped so far."""

    documents: pa.Table
    nodes: pa.Table


def documents_schema(settings: DedupSettings) -> pa.Schema:
    return pa.schema(
        [("row", pa.int32()), ("doc_id", pa.string()), ("url_key", KEY), ("text_key", KEY), ("fetched_at", pa.string()),
         ("n_text", pa.int32()), ("n_images", pa.int32()), ("signature", pa.binary(4 * settings.bands * settings.rows))]
    )  # fmt: skip


NODES = pa.schema([("row", pa.int32()), ("index", pa.int32()), ("kind", pa.int8()), ("key", KEY), ("image_id", pa.string())])


def nothing(settings: DedupSettings) -> Features:
    """Of a unit without documents."""
    return Features(documents_schema(settings).empty_table(), NODES.empty_table())


def of_file(path: str, settings: DedupSettings, sink: Callable[[NDArray[np.uint64], NDArray[np.int64]], None]) -> Features:
    """Read a unit's `documents` in batches, only the columns that count; each batch's shingles go to `sink`."""
    documents, nodes = [], []
    row = 0
    with storage.open_read(path) as f:
        for batch in pq.ParquetFile(f).iter_batches(BATCH, columns=COLUMNS + NODE_COLUMNS):
            d, n, h, offsets = of_batch(batch, row, settings)
            documents.append(d)
            nodes.append(n)
            sink(h, offsets)
            row += len(batch)
    return Features(
        pa.Table.from_batches(documents, documents_schema(settings)),
        pa.Table.from_batches(nodes, NODES),
    )


def of_batch(
    batch: pa.RecordBatch, first_row: int, settings: DedupSettings
) -> tuple[pa.RecordBatch, pa.RecordBatch, NDArray[np.uint64], NDArray[np.int64]]:
    lists = batch.column("nodes")
    bounds = np.asarray(lists.offsets).astype(np.int64)
    values = lists.values.slice(bounds[0], bounds[-1] - bounds[0])
    bounds = bounds - bounds[0]
    node = {values.type.field(i).name: c for i, c in enumerate(values.flatten())}
    alive = np.asarray(pc.equal(pc.fill_null(node["reason"], ""), "").to_numpy(zero_copy_only=False))
    ends = pc.equal(pc.fill_null(node["role"], ""), "end").to_numpy(zero_copy_only=False)  # marks, no paragraphs (as extract counts)
    is_text = pc.equal(node["kind"], "text").to_numpy(zero_copy_only=False) & alive & ~ends
    is_image = pc.equal(node["kind"], "image").to_numpy(zero_copy_only=False) & alive
    texts = _texts(node["text"], np.flatnonzero(is_text), bounds)
    hashes, offsets = shingles.shingles(texts, settings.shingle_words)
    signature = minhash.signatures(hashes, offsets, settings.bands * settings.rows, settings.seed)

    urls = [canonical or url for canonical, url in zip(batch["canonical_url"].to_pylist(), batch["url"].to_pylist(), strict=True)]
    rows = np.arange(first_row, first_row + len(batch), dtype=np.int32)
    none = np.diff(offsets) == 0
    out = pa.record_batch(
        [
            pa.array(rows),
            batch["doc_id"],
            pa.array([bytes.fromhex(digest128("page", page_key(u))) for u in urls], KEY),
            pa.array(list(_text_keys(texts)), KEY),
            batch["fetched_at"],
            pa.array(np.diff(texts.first).astype(np.int32)),
            pa.array(_per_list(is_image, bounds).astype(np.int32)),
            pa.array(
                [None if no else s.tobytes() for no, s in zip(none, signature.astype("<u4"), strict=True)],
                pa.binary(signature.shape[1] * 4),
            ),
        ],
        schema=documents_schema(settings),
    )
    return out, _nodes(batch, node, texts, is_text, is_image, bounds, first_row), hashes, offsets


def _per_list(mask: NDArray[np.bool_], bounds: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of each list's values the mask holds."""
    return np.diff(np.concatenate([[0], np.cumsum(mask)])[bounds])


def _texts(text: pa.StringArray, chosen: NDArray[np.int64], bounds: NDArray[np.int64]) -> shingles.Texts:
    """The chosen nodes' texts where they lie in Arrow's buffer."""
    _, offsets, data = text.buffers()
    at = (
        np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1].astype(np.int64) if len(text) else np.zeros(1, np.int64)
    )
    raw = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    return shingles.Texts(raw, at[chosen], at[chosen + 1], np.searchsorted(chosen, bounds).astype(np.int64))


def _text_keys(texts: shingles.Texts) -> Iterator[bytes | None]:
    """BLAKE2b-128 of a document's paragraphs, exactly; None if there is no text to compare."""
    view = memoryview(texts.data)
    starts, ends, first = texts.starts.tolist(), texts.ends.tolist(), texts.first.tolist()
    for begin, end in zip(first[:-1], first[1:], strict=True):
        h = hashlib.blake2b(digest_size=16)
        length = 0
        for i in range(begin, end):
            if ends[i] > starts[i]:
                h.update(view[starts[i] : ends[i]])
                h.update(b"\n")
                length += ends[i] - starts[i]
        yield h.digest() if length else None


def _nodes(
    batch: pa.RecordBatch,
    node: dict[str, Any],
    texts: shingles.Texts,
    is_text: NDArray[np.bool_],
    is_image: NDArray[np.bool_],
    bounds: NDArray[np.int64],
    first_row: int,
) -> pa.RecordBatch:
    row = np.repeat(np.arange(first_row, first_row + len(batch), dtype=np.int32), np.diff(bounds))
    paragraphs, pictures = np.flatnonzero(is_text), np.flatnonzero(is_image)
    domains = [(d or "").encode("utf-8", "replace") + b"\x1f" for d in batch["domain"].to_pylist()]
    view = memoryview(texts.data)
    keys: list[bytes | None] = []
    places = zip((row[paragraphs] - first_row).tolist(), texts.starts.tolist(), texts.ends.tolist(), strict=True)
    for d, start, end in places:
        keys.append(xxhash.xxh3_128_digest(domains[d] + view[start:end]) if end > start else None)  # only within a domain: nobody to attack
    ids = [
        i or digest128("image", u or "")
        for i, u in zip(node["image_id"].take(pictures).to_pylist(), node["url"].take(pictures).to_pylist(), strict=True)
    ]
    keys += [bytes.fromhex(i if is_key(i) else digest128("image", i)) for i in ids]
    both = np.concatenate([paragraphs, pictures])
    order = np.argsort(both, kind="stable")
    table = pa.record_batch(
        [
            pa.array(row[both]),
            node["index"].take(pa.array(both)),
            pa.array(np.repeat(np.array([PARAGRAPH, PICTURE], np.int8), [len(paragraphs), len(pictures)])),
            pa.array(keys, KEY),
            pa.array([""] * len(paragraphs) + ids, pa.string()),
        ],
        schema=NODES,
    )
    return table.take(pa.array(order))
