"""Where the bytes of each kept image lie: one file of sorted keys and then of fixed-size records, mapped into memory and searched.

The table is made once per run of the stage, holds only images that a kept document uses, and takes 76 bytes for each. On a
local or shared disk all workers share its pages; on an object store each worker reads it whole. Keys that are searched lie side by side:
NumPy copies what it searches if it is a field of records, every time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines import storage
from pipelines.dedup.keys import words
from pipelines.stage import Done

HIGH = np.dtype("<u8")  # of a key, once more before the records
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
    """16-byte ids as two rows of numbers, high halves and low halves, which sort as the ids do."""
    return np.ascontiguousarray(words(ids.tobytes()).T)


class Uses(NamedTuple):
    """The ids of images that kept documents use, sorted, and how often each is used."""

    hi: np.ndarray
    lo: np.ndarray
    times: np.ndarray

    def find(self, keys: np.ndarray) -> np.ndarray:
        """The position of each of `keys` (as `_keys` gives them); -1 for one that is not used."""
        hi, lo = keys
        at = np.searchsorted(self.hi, hi)
        out = np.full(len(hi), -1, np.int64)
        open_ = np.arange(len(hi))  # those whose high half is still met; all but once in a lifetime there is one round
        while len(open_ := open_[at[open_] < len(self.hi)]) and len(open_ := open_[self.hi[at[open_]] == hi[open_]]):
            same = self.lo[at[open_]] == lo[open_]
            out[open_[same]] = at[open_[same]]
            open_ = open_[~same]
            at[open_] += 1
        return out


def uses(select: Done, units: Iterable[str]) -> Uses:
    """Which images the kept documents of a run use."""
    found = [np.zeros((2, 0), np.uint64)]
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
    hi, lo = np.concatenate(found, axis=1)
    order = np.lexsort((lo, hi))
    hi, lo = hi[order], lo[order]
    first = np.flatnonzero(np.concatenate([[True], (hi[1:] != hi[:-1]) | (lo[1:] != lo[:-1])])) if len(hi) else np.zeros(0, np.int64)
    return Uses(hi[first], lo[first], np.diff(np.append(first, len(hi))))


def records(fetch: Done, wanted: Uses) -> Iterator[tuple[np.ndarray, np.ndarray, list[str]]]:
    """Per bucket: the records of wanted images that were fetched, how often each is used, and the names of its blobs (`blob` counts within
    them)."""
    for bucket in fetch.manifest.parts["bucket"]:
        t = fetch.read("urls", bucket, ["image_id", "status", "bytes", "sha256", "blob", "blob_offset"])
        if t is None or t.num_rows == 0:
            continue
        t = t.filter(pa.array([s == SUCCESS for s in t["status"].to_pylist()], pa.bool_()))
        keys = _keys(unhex(t["image_id"], 32))
        at = wanted.find(keys)
        t, keys = t.filter(pa.array(at >= 0)), keys[:, at >= 0]
        out = np.zeros(len(t), RECORD)
        out["hi"], out["lo"] = keys
        out["offset"], out["bytes"] = t["blob_offset"].to_numpy(), t["bytes"].to_numpy()
        out["sha256"] = np.ascontiguousarray(unhex(t["sha256"], 64)).view("V32").reshape(-1)
        blobs = t["blob"].to_pylist()
        names = sorted(set(blobs))
        out["blob"] = [names.index(b) for b in blobs] if len(names) < 50 else np.searchsorted(names, blobs)
        yield out, wanted.times[at[at >= 0]], names


def write(path: str, fetch: Done, wanted: Uses) -> None:
    """Write the table (and its list of blobs, in `path`.json) for the wanted images."""
    parts, blobs = [], []
    for found, _, names in records(fetch, wanted):
        found["blob"] += len(blobs)
        blobs += names
        parts.append(found)
    everything = np.concatenate(parts) if parts else np.empty(0, RECORD)
    everything = everything[np.lexsort((everything["lo"], everything["hi"]))]
    storage.write_bytes(f"{path}.json", json.dumps(blobs).encode())
    storage.write_bytes(path, everything["hi"].tobytes() + everything.tobytes())


class Places:
    """The table, opened."""

    def __init__(self, path: str):
        self.blobs: list[str] = json.loads(storage.read_bytes(f"{path}.json"))
        if storage.is_remote(path) or not storage.size(path):
            whole: Any = np.frombuffer(storage.read_bytes(path), np.uint8)
        else:
            whole = np.memmap(path, np.uint8, mode="r")
        n = len(whole) // (HIGH.itemsize + RECORD.itemsize)
        self._hi, self.table = whole[: n * HIGH.itemsize].view(HIGH), whole[n * HIGH.itemsize :].view(RECORD)

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
