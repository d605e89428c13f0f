"""What every export reads: the published documents, shard by shard, in the shards' order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.document import loads
from schemas import layout
from schemas.manifest import ManifestError, RunManifest, ShardEntry, loads_run

SPLITS = {"train": "train", "val": "validation"}  # ours -> Hugging Face's


class ExportError(RuntimeError):
    """An export cannot be written as asked; the message says what to do."""


class Sample(NamedTuple):
    """A document out of a shard."""

    record: dict[str, Any]
    images: dict[str, bytes]  # member name -> bytes


def manifest_of(run: str) -> RunManifest:
    """The run's manifest; ManifestError if the run is not published."""
    path = storage.join(run, layout.MANIFEST)
    if not storage.exists(path):
        raise ManifestError(f"{run} has no {layout.MANIFEST}: finish the run first (`weft run ...` again)")
    return loads_run(storage.read_bytes(path), path)


def samples(run: str, manifest: RunManifest, entry: ShardEntry) -> Iterator[Sample]:
    """The documents of one shard, by its index."""
    folder = storage.join(run, manifest.shard_folder)
    with storage.open_read(storage.join(folder, entry.index.path)) as f:
        rows = pq.read_table(f, columns=["byte_offset", "byte_size", "members"]).to_pylist()
    with storage.open_read(storage.join(folder, entry.tar)) as tar:
        for r in rows:
            tar.seek(r["byte_offset"])
            data = tar.read(r["byte_size"])
            if len(data) != r["byte_size"]:
                raise ExportError(f"{folder}/{entry.tar} is cut off at {r['byte_offset']}: `weft verify {run}` names what is wrong")
            start = r["byte_offset"]
            files = {m["name"]: data[m["offset"] - start : m["offset"] - start + m["size"]] for m in r["members"]}
            yield Sample(loads(files.pop(r["members"][0]["name"])), files)


def everything(run: str, manifest: RunManifest) -> Iterator[Sample]:
    for entry in manifest.shards:
        yield from samples(run, manifest, entry)


def new_folder(path: str) -> None:
    """Refuse to write into a folder that holds something."""
    if storage.listing(path):
        raise ExportError(f"{path} is not empty: give an empty or new folder, so that nothing old is mixed in")
