"""Hugging Face Parquet: one row per document, `texts` and `images` parallel, image bytes inside; read by `load_dataset` as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines import storage
from pipelines.shards.card import record_features
from pipelines.shards.export.source import SPLITS, Sample, manifest_of, new_folder, samples
from schemas.manifest import ShardEntry
from schemas.shard import IMAGE_LISTS, PROVENANCE

_NUMBERS = {"warc_offset": pa.int64(), "warc_length": pa.int64(), "language_score": pa.float64()}
_LISTS = {"image_width": pa.int32(), "image_height": pa.int32(), "image_clip_score": pa.float64()}
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
BATCH_BYTES = 64 << 20  # images held at once, and so the size of a row group


def table_schema() -> pa.Schema:
    """The columns, with the features that Hugging Face's loader looks for in the metadata."""
    fields = [("doc_id", pa.string()), *((n, _NUMBERS.get(n, pa.string())) for n in PROVENANCE)]
    fields += [("texts", pa.list_(pa.string())), ("images", pa.list_(IMAGE)), ("node_index", pa.list_(pa.int32()))]
    fields += [(n, pa.list_(_LISTS.get(n, pa.string()))) for n in IMAGE_LISTS]
    values = {f["name"]: f for f in record_features(())}

    def feature(name: str) -> dict[str, Any]:
        if name == "images":
            return {"feature": {"_type": "Image"}, "_type": "List"}
        f = values[name]
        return (
            {"dtype": f["dtype"], "_type": "Value"}
            if "dtype" in f
            else {"feature": {"dtype": f["list"], "_type": "Value"}, "_type": "List"}
        )

    info = {"info": {"features": {name: feature(name) for name, _ in fields}}}
    return pa.schema(fields, metadata={"huggingface": json.dumps(info)})


def row(sample: Sample) -> dict[str, Any]:
    images = [None if n is None else {"bytes": sample.images[n], "path": n} for n in sample.record["images"]]
    return {**sample.record, "images": images}


def batches(entry: ShardEntry, found: Iterator[Sample], schema: pa.Schema) -> Iterator[pa.Table]:
    rows: list[dict[str, Any]] = []
    size = 0
    for sample in found:
        rows.append(row(sample))
        size += sum(map(len, sample.images.values()))
        if size >= BATCH_BYTES:
            yield pa.Table.from_pylist(rows, schema)
            rows, size = [], 0
    if rows:
        yield pa.Table.from_pylist(rows, schema)


def export(run: str, folder: str, card: str = "") -> dict[str, int]:
    """Write `data/<split>-<number>.parquet` and README.md; file -> rows."""
    new_folder(folder)
    manifest, schema, out = manifest_of(run), table_schema(), {}
    for e in manifest.shards:
        name = f"data/{SPLITS[e.split]}-{e.id.rsplit('-', 1)[1]}.parquet"
        with storage.parquet_writer(folder, name, schema) as writer:
            for table in batches(e, samples(run, manifest, e), schema):
                writer.write(table)
        out[name] = writer.part.rows
    data_files = [{"split": s, "path": f"data/{s}-*.parquet"} for s in sorted({SPLITS[e.split] for e in manifest.shards})]
    head = {"configs": [{"config_name": "default", "data_files": data_files}], "task_categories": ["image-text-to-text"]}
    lines = "\n".join(f"{k}: {json.dumps(v)}" for k, v in head.items())
    storage.write_bytes(storage.join(folder, "README.md"), f"---\n{lines}\n---\n{card}".encode())
    return out
