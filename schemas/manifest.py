"""Manifests: what a stage or a run wrote, from what. A folder without one does not exist for readers.

Manifests hold nothing that differs between two runs of the same work (no times, hosts or process ids), so that equal
work gives equal manifests; timings stand beside them in `timing.json`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = 1


class ManifestError(ValueError):
    """A manifest is missing, unreadable or of another format."""


@dataclass(frozen=True, order=True)
class Part:
    """One file of a table: path relative to the folder of the manifest."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Count:
    """The conservation law of one kind of thing at one stage: entered = kept + sum(dropped) + dead."""

    entered: int = 0
    kept: int = 0
    dropped: dict[str, int] = field(default_factory=dict)  # first reason -> count
    dead: int = 0

    def missing(self) -> int:
        """How many have vanished (negative: appeared from nowhere)."""
        return self.entered - self.kept - sum(self.dropped.values()) - self.dead

    def __add__(self, other: Count) -> Count:
        dropped = dict(self.dropped)
        for reason, n in other.dropped.items():
            dropped[reason] = dropped.get(reason, 0) + n
        return Count(self.entered + other.entered, self.kept + other.kept, dropped, self.dead + other.dead)


@dataclass(frozen=True)
class StageManifest:
    stage: str
    digest: str  # of inputs, config and code: the folder's name
    inputs: dict[str, str]  # earlier stage -> its digest; for extract: input file -> size or checksum
    config: dict[str, Any]  # the part of the configuration that this stage depends on
    code: str  # digest of the code that this stage runs
    parts: dict[str, tuple[str, ...]]  # group (unit, bucket, shard) -> names, in order
    tables: dict[str, tuple[Part, ...]]
    counts: dict[str, Count]  # "documents" | "paragraphs" | "images" -> Count
    facts: dict[str, Any] = field(default_factory=dict)  # what else the stage wants known (models, rates, limits)
    format: int = FORMAT

    def rows(self, table: str) -> int:
        return sum(p.rows for p in self.tables.get(table, ()))


@dataclass(frozen=True, order=True)
class ShardEntry:
    """One version of one shard. File names are relative to the folder that `RunManifest.shard_folder` names."""

    id: str  # weft-00017
    split: str  # train | val
    tar: str  # weft-00017-<sha12>.tar
    bytes: int
    sha256: str
    documents: int
    paragraphs: int
    images: int
    text_bytes: int
    text_tokens: int  # by the tokenizer the manifest names
    index: Part  # weft-00017-<sha12>.index.parquet (schemas/shard.py)
    energon: Part  # weft-00017-<sha12>.tar.idx


def inside(path: str) -> str:
    """The path, if it stays in the folder that it is relative to. A run may come from strangers: ManifestError for a name that would have
    something else read, rewritten or removed."""
    steps = path.split("/")
    if "" in steps or ".." in steps or ":" in steps[0] or "\\" in path:
        raise ManifestError(f"the name {path[:200]!r} leads out of the folder")
    return path


def part_of(raw: dict[str, Any]) -> Part:
    """A part from its JSON form."""
    part = Part(**raw)
    inside(part.path)
    return part


def entry_of(raw: dict[str, Any]) -> ShardEntry:
    """A shard entry from its JSON form."""
    own: dict[str, Any] = {k: v for k, v in raw.items() if k != "md5"}  # runs made before 23 November 2026 have one
    own |= {"index": part_of(raw["index"]), "energon": part_of(raw["energon"])}
    for name in (own["id"], own["tar"]):
        inside(name)
    return ShardEntry(**own)


@dataclass(frozen=True)
class RunManifest:
    """A run's commit point, RUN/manifest.json: what it was made of, and which shards count. Written last, replaced as a whole."""

    name: str
    inputs: dict[str, str]  # archive or list -> size or checksum
    config: dict[str, Any]  # resolved
    code: dict[str, str]  # stage -> digest of its code; "weft" -> version
    models: dict[str, Any]  # as the stages recorded them, with hashes
    stages: dict[str, dict[str, str]]  # stage -> {"digest", "manifest_sha256"}: through them every table is named
    tables: dict[str, tuple[Part, ...]]  # audit tables, paths relative to RUN
    counts: dict[str, dict[str, Count]]  # stage -> documents | paragraphs | images -> Count
    shards: tuple[ShardEntry, ...]  # by id
    tokenizer: str
    shard_folder: str = "shards"
    files: tuple[Part, ...] = ()  # sidecars of the shard folder (sizes.json, wids, .nv-meta, README.md ...), paths relative to it
    previous: dict[str, str] | None = None  # after a takedown: {"manifest_sha256", "reason", "patch"}
    tombstones: str | None = None  # sha256 of RUN/takedown/tombstones.json
    format: int = FORMAT


def dumps_run(manifest: RunManifest) -> bytes:
    """Canonical JSON that ends with the sha256 of itself, so that any change shows."""
    return sealed(dumps(manifest))


def sealed(body: bytes) -> bytes:
    """Canonical JSON of an object with the sha256 of itself as its last member."""
    seal = hashlib.sha256(body).hexdigest()
    return body[: body.rindex(b"}")].rstrip(b"\n") + f',\n "zz_sha256": "{seal}"\n}}\n'.encode()


def loads_run(data: bytes, where: str) -> RunManifest:
    """Read a run manifest; ManifestError says what is wrong with `where`, also if it has been changed since it was written."""
    try:
        raw = json.loads(data)
        del raw["zz_sha256"]
        if data != sealed((json.dumps(raw, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()):
            raise ManifestError(f"{where}: the manifest has been changed since it was written; restore it or run `weft run` again")
        if raw["format"] != FORMAT:
            raise ManifestError(f"{where}: manifest format {raw['format']}, this version reads {FORMAT}: upgrade weft")
        raw["tables"] = {k: tuple(map(part_of, v)) for k, v in raw["tables"].items()}
        raw["counts"] = {s: {k: Count(**c) for k, c in v.items()} for s, v in raw["counts"].items()}
        raw["shards"] = tuple(map(entry_of, raw["shards"]))
        raw["files"] = tuple(map(part_of, raw["files"]))
        manifest = RunManifest(**raw)
        for name in (manifest.shard_folder, *manifest.stages, *(s["digest"] for s in manifest.stages.values())):
            inside(name)
        return manifest
    except ManifestError as e:
        raise e if where in str(e) else ManifestError(f"{where}: {e}") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as e:
        raise ManifestError(f"{where}: not a run manifest ({type(e).__name__}: {e}); restore it or run `weft run` again") from e


def dumps(manifest: Any) -> bytes:
    """Canonical JSON: sorted keys, one newline at the end."""
    return (json.dumps(asdict(manifest), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def loads_stage(data: bytes, where: str) -> StageManifest:
    """Read a stage manifest; ManifestError says what is wrong with `where`."""
    try:
        raw = json.loads(data)
        if raw["format"] != FORMAT:
            raise ManifestError(f"{where}: manifest format {raw['format']}, this version reads {FORMAT}: upgrade weft or rerun the stage")
        raw["parts"] = {k: tuple(v) for k, v in raw["parts"].items()}
        raw["tables"] = {k: tuple(map(part_of, v)) for k, v in raw["tables"].items()}
        raw["counts"] = {k: Count(**c) for k, c in raw["counts"].items()}
        manifest = StageManifest(**raw)
        for name in (manifest.stage, manifest.digest, *manifest.tables, *(n for names in manifest.parts.values() for n in names)):
            inside(name)
        return manifest
    except ManifestError as e:
        raise e if where in str(e) else ManifestError(f"{where}: {e}") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as e:
        raise ManifestError(f"{where}: not a stage manifest ({type(e).__name__}: {e}); delete the folder and run again") from e


def digest_of(value: Any) -> str:
    """16 hex digits over the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
