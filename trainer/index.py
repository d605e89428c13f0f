"""What documents there are: the run's manifest names the shards, each shard's index names its documents. Nothing is globbed."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass

import msgspec

from schemas.layout import MANIFEST
from schemas.manifest import loads_run
from schemas.shard import tokenizer_of
from trainer import remote


@dataclass(frozen=True, slots=True)
class Entry:
    """One document in a shard (or one line of an SFT file: no members then)."""

    key: str
    file: str
    offset: int
    size: int
    members: tuple[tuple[str, int, int], ...]  # (name, offset from the document's start, size), JSON first


@dataclass(frozen=True, slots=True)
class Index:
    name: str
    kind: str
    hash: str  # of what it was read from
    entries: tuple[Entry, ...]
    groups: tuple[int, ...]  # start of each shard in `entries`


class IndexChanged(ValueError):
    """The data is not what the checkpoint was trained on."""


def read_index(path: str, kind: str = "shards", split: str = "train", name: str = "") -> Index:
    """Index of a run folder (`shards`) or of JSON lines (`sft`, `pages`). Raises ValueError or OSError, naming the file."""
    return _shards(path, split, name or path) if kind == "shards" else _lines(path, kind, name or path)


def _shards(run: str, split: str, name: str) -> Index:
    where = remote.join(run, MANIFEST)
    try:
        with remote.opened(where) as f:
            manifest = loads_run(f.read(), where)
    except FileNotFoundError as e:
        raise FileNotFoundError(f"{where} is missing: {run!r} is no finished run (finish it with `weft run`)") from e
    folder = remote.join(run, manifest.shard_folder)
    entries: list[Entry] = []
    groups = []
    digest = hashlib.sha256()
    for shard in manifest.shards:
        if shard.split != split:
            continue
        digest.update(f"{shard.tar} {shard.sha256} {shard.index.sha256}\n".encode())
        groups.append(len(entries))
        table = remote.table(remote.join(folder, shard.index.path))
        tokenizer_of(table.schema)  # refuses a version we do not read
        tar = remote.join(folder, shard.tar)
        columns = (table[c].to_pylist() for c in ("key", "byte_offset", "byte_size", "members"))
        for key, offset, size, members in zip(*columns, strict=True):
            entries.append(Entry(key, tar, offset, size, tuple((m["name"], m["offset"] - offset, m["size"]) for m in members)))
    if not entries:
        raise ValueError(f"{where}: no documents in split {split!r}")
    return Index(name, "shards", digest.hexdigest()[:16], tuple(entries), tuple(groups))


def _lines(path: str, kind: str, name: str) -> Index:
    """One document a line, images beside the file.

    sft: {"images": [file, ...], "sizes": [[w, h], ...], "texts": [{"user": ..., "assistant": ...}, ...]}; pages: as a shard's JSON.
    """
    files = sorted(os.path.join(path, f) for f in os.listdir(path) if f.endswith(".jsonl")) if os.path.isdir(path) else [path]
    entries: list[Entry] = []
    groups = []
    digest = hashlib.sha256()
    for file in files:
        groups.append(len(entries))
        offset = 0
        with open(file, "rb") as f:
            for n, line in enumerate(f):
                digest.update(line)
                if line.strip():
                    key = f"{os.path.basename(file)}:{n}"
                    entries.append(Entry(key, file, offset, len(line), ()))
                offset += len(line)
    if not entries:
        raise ValueError(f"{path}: no documents of kind {kind}")
    return Index(name, kind, digest.hexdigest()[:16], tuple(entries), tuple(groups))


class _Handles:
    """Open shards, the least recently used closed first. A shard's name holds its hash, so an open file never goes stale."""

    def __init__(self, most: int = 128):
        self.most, self.open = most, OrderedDict[str, int]()
        self.owner = os.getpid()

    def get(self, file: str, cache: remote.ShardCache | None) -> int:
        if self.owner != os.getpid():  # a forked worker: the parent's handles are not its to close
            self.open, self.owner = OrderedDict(), os.getpid()
        fd = self.open.pop(file, None)
        if fd is None:
            fd = os.open(remote.local(file, cache), os.O_RDONLY)
            if len(self.open) >= self.most:
                os.close(self.open.popitem(last=False)[1])
        self.open[file] = fd
        return fd


_handles = _Handles()


def read_bytes(entry: Entry, cache: remote.ShardCache | None = None) -> bytes:
    """The document's byte range: one pread, of a remote shard from `cache`. ValueError if the file ends before it."""
    if entry.members:
        data = os.pread(_handles.get(entry.file, cache), entry.size, entry.offset)
    else:
        with open(entry.file, "rb", buffering=0) as f:
            data = os.pread(f.fileno(), entry.size, entry.offset)
    if len(data) != entry.size:
        raise ValueError(f"{entry.file}: ends inside document {entry.key} at byte {entry.offset} ({len(data)} of {entry.size} bytes)")
    return data


def read_json(entry: Entry, data: bytes) -> dict:
    """The document's JSON, out of its bytes."""
    if entry.members:
        _, at, size = entry.members[0]
        data = data[at : at + size]
    return msgspec.json.decode(data)
