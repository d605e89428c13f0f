"""Where the bytes of each kept image lie: one sorted file of fixed-size records, mapped into memory and searched.

The table is made once per run of the stage, holds only images that a kept document uses, and takes 68 bytes for each. On a
local or shared disk all workers share its pages; on an object store each worker reads it whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines import storage
from pipelines.stage import Done

RECORD = np.dtype([("hi", "<u8"), ("lo", "<u8"), ("offset", "<i8"), ("bytes", "<i8"), ("sha256", "V32"), ("blob", "<u4")])
_NIBBLE = np.zeros(256, np.uint8)
_NIBBLE[list(b"0123456789abcdef")] = range(16)
SUCCESS = "success"


class Place(NamedTuple):
    blob: str  # relative to the fetch stage's folder
    offset: int
    bytes: int
    sha256: str


def unhex(column: pa.ChunkedArray | pa.Array, digits: int) -> np.ndarray:
    """A column of hexadecimal strings of one length as rows of bytes. ValueError if one has another length."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if len(array) == 0:
        return np.empty((0, digits // 2), np.uint8)
    joined = "".join(array.to_pylist()).encode("ascii")
    if len(joined) != digits * len(array):
        raise ValueError(f"a hexadecimal id is not {digits} digits long")
    nibbles = _NIBBLE[np.frombuffer(joined, np.uint8).reshape(len(array), digits)]
    return (nibbles[:, 0::2] << 4) | nibbles[:, 1::2]


def _keys(ids: np.ndarray) -> np.ndarray:
    """16-byte ids as an array of (hi, lo), which sorts as the ids do."""
    halves = np.ascontiguousarray(ids).view(">u8")
    out = np.empty(len(ids), np.dtype([("hi", "<u8"), ("lo", "<u8")]))
    out["hi"], out["lo"] = halves[:, 0], halves[:, 1]
    return out


def uses(select: Done, units: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """The ids of images that kept documents use, sorted, and how often each is used."""
    found = []
    for unit in units:
        chosen, nodes = (
            select.read("selected", unit, ["row", "kept"]),
            select.read("node_decisions", unit, ["row", "kind", "image_id", "kept"]),
        )
        if chosen is None or nodes is None:
            continue
        rows = chosen.filter(chosen["kept"])["row"]
        mask = np.isin(nodes["row"].to_numpy(), rows.to_numpy()) & nodes["kept"].to_numpy(zero_copy_only=False)
        mask &= np.asarray([k == "image" for k in nodes["kind"].to_pylist()], bool)
        found.append(_keys(unhex(nodes["image_id"].filter(pa.array(mask)), 32)))
    if not found:
        return np.empty(0, _keys(np.empty((0, 16), np.uint8)).dtype), np.empty(0, np.int64)
    return np.unique(np.concatenate(found), return_counts=True)


def records(fetch: Done, wanted: np.ndarray) -> Iterator[tuple[np.ndarray, list[str]]]:
    """Per bucket: the records of wanted images that were fetched, and the names of its blobs (`blob` counts within them)."""
    for bucket in fetch.manifest.parts["bucket"]:
        t = fetch.read("urls", bucket, ["image_id", "status", "bytes", "sha256", "blob", "blob_offset"])
        if t is None or t.num_rows == 0:
            continue
        t = t.filter(pa.array([s == SUCCESS for s in t["status"].to_pylist()], pa.bool_()))
        keys = _keys(unhex(t["image_id"], 32))
        mask = np.isin(keys, wanted) if len(keys) else np.empty(0, bool)
        t, keys = t.filter(pa.array(mask)), keys[mask]
        out = np.zeros(len(keys), RECORD)
        out["hi"], out["lo"] = keys["hi"], keys["lo"]
        out["offset"], out["bytes"] = t["blob_offset"].to_numpy(), t["bytes"].to_numpy()
        out["sha256"] = np.ascontiguousarray(unhex(t["sha256"], 64)).view("V32").reshape(-1)
        blobs = t["blob"].to_pylist()
        names = sorted(set(blobs))
        out["blob"] = [names.index(b) for b in blobs] if len(names) < 50 else np.searchsorted(names, blobs)
        yield out, names


def write(path: str, fetch: Done, wanted: np.ndarray) -> None:
    """Write the table (and its list of blobs, in `path`.json) for the wanted images."""
    parts, blobs = [], []
    for found, names in records(fetch, wanted):
        found["blob"] += len(blobs)
        blobs += names
        parts.append(found)
    everything = np.concatenate(parts) if parts else np.empty(0, RECORD)
    everything = everything[np.lexsort((everything["lo"], everything["hi"]))]
    storage.write_bytes(f"{path}.json", json.dumps(blobs).encode())
    storage.write_bytes(path, everything.tobytes())


class Places:
    """The table, opened."""

    def __init__(self, path: str):
        self.blobs: list[str] = json.loads(storage.read_bytes(f"{path}.json"))
        if storage.is_remote(path):
            self.table: Any = np.frombuffer(storage.read_bytes(path), RECORD)
        else:
            self.table = np.memmap(path, RECORD, mode="r") if storage.size(path) else np.empty(0, RECORD)
        self._hi = self.table["hi"]

    def find(self, image_id: str) -> Place | None:
        """Where an image lies; None if it was never fetched."""
        hi, lo = int(image_id[:16], 16), int(image_id[16:], 16)
        i = int(np.searchsorted(self._hi, np.uint64(hi)))
        while i < len(self.table) and int(self.table[i]["hi"]) == hi:
            r = self.table[i]
            if int(r["lo"]) == lo:
                return Place(self.blobs[int(r["blob"])], int(r["offset"]), int(r["bytes"]), bytes(r["sha256"]).hex())
            i += 1
        return None
