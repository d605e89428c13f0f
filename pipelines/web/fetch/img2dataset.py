"""img2dataset as a neighbour: its output folders read, our URL tables written for it.

Its folders hold `00000.parquet` (url, key, status, ...) beside `00000.tar` (members `<key>.jpg`) or a folder `00000/`.
Its status words are `success`, `failed_to_download`, `failed_to_resize`.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Set
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.stage import Done

TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
MAX_BYTES = 64 << 20
CAPTURED = "1970-01-01T00:00:00Z"  # img2dataset does not record when


class Stored(NamedTuple):
    url: str
    data: bytes
    media_type: str
    fetched_at: str
    where: str


def stored(folder: str, wanted: Set[str]) -> Iterator[Stored]:
    """The wanted URLs that the folder holds, each once, shard by shard. ValueError if it is no output folder of img2dataset."""
    shards = [n.removesuffix(".parquet") for n in storage.listing(folder) if n.endswith(".parquet")]
    if not shards:
        raise ValueError(f"{folder!r} holds no <shard>.parquet: give the output folder of img2dataset (webdataset or files format)")
    names = set(storage.listing(folder))
    seen: set[str] = set()
    for shard in shards:
        keys = {k: u for k, u in _successes(storage.join(folder, f"{shard}.parquet")) if u in wanted and u not in seen}
        members = _tar if f"{shard}.tar" in names else _files
        for name, data in members(storage.join(folder, shard), keys) if keys else ():
            key, _, ext = name.partition(".")
            url = keys.pop(key)
            seen.add(url)
            yield Stored(url, data, TYPES[ext], CAPTURED, f"{shard}:{name}")


def _successes(path: str) -> list[tuple[str, str]]:
    t = storage.read_table(path, ["key", "url", "status"])
    rows = zip(*(t[c].to_pylist() for c in ("key", "url", "status")), strict=True)
    return [(k, u) for k, u, s in rows if s == "success"]


def _is_wanted(name: str, keys: dict[str, str]) -> bool:
    key, _, ext = name.partition(".")
    return key in keys and ext in TYPES


def _tar(stem: str, keys: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Regular members only, read as a stream; nothing is ever extracted."""
    with storage.open_read(f"{stem}.tar") as raw, tarfile.open(fileobj=raw, mode="r|") as tar:
        for member in tar:
            if member.isreg() and member.size <= MAX_BYTES and _is_wanted(member.name, keys) and (f := tar.extractfile(member)):
                yield member.name, f.read()


def _files(stem: str, keys: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    for name in storage.listing(stem):
        path = storage.join(stem, name)
        if _is_wanted(name, keys) and storage.size(path) <= MAX_BYTES:
            yield name, storage.read_bytes(path)


def export_urls(fetch: Done, path: str, only: str = "") -> int:
    """Write the URLs of a fetch stage as a Parquet list for img2dataset (`--input_format parquet --url_col url --save_additional_columns
    '["image_id"]'`); `only` = a status word such as "success". Returns how many."""
    n = 0
    out = pa.schema([("url", pa.string()), ("image_id", pa.string()), ("sha256", pa.string()), ("weft_status", pa.string())])
    with storage.atomic(path) as f, pq.ParquetWriter(f, out) as writer:
        for source in fetch.paths("urls"):
            t: Any = storage.read_table(source, ["url", "image_id", "sha256", "status"]).rename_columns(out.names)
            if only:
                t = t.filter(pc.equal(t["weft_status"], only))
            writer.write_table(t.cast(out))
            n += t.num_rows
    return n
