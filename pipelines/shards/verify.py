"""Proves that a run is what its manifest says: every shard byte, every index, every sidecar, every table; each fault named."""

from __future__ import annotations

import hashlib
import random
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.check import Fault, check
from pipelines.shards.run_manifest import PUBLISHING, TOMBSTONES, files_under, names_of
from schemas import layout
from schemas.manifest import ManifestError, Part, RunManifest, ShardEntry, loads_run, loads_stage

Progress = Callable[[str, int], None]


@dataclass
class Report:
    """What `verify` found."""

    run: str
    manifest_sha256: str = ""
    shards: int = 0
    documents: int = 0
    images: int = 0
    bytes: int = 0  # read
    seconds: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    sample: dict[str, Any] | None = None

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "faults": [f._asdict() for f in self.faults], "ok": self.ok}


def verify(
    run: str, sample: int | None = None, *, seed: int | None = None, tables: bool = True, progress: Progress = lambda name, n: None
) -> Report:
    """Read a published run and name every fault. With `sample`, only so many documents are read (chosen by `seed`, which is drawn
    and reported if not given): file names, sizes, indexes and sidecars are still checked whole, and the report states the
    probability of having missed a fault. Raises nothing for damaged data; OSError if the disk itself fails."""
    begin = time.monotonic()
    report = Report(run)
    path = storage.join(run, layout.MANIFEST)
    if not storage.exists(path):
        report.faults.append(Fault("missing", layout.MANIFEST, "", "the run has no manifest: it is not finished, or the file is gone"))
        return report
    data = storage.read_bytes(path)
    report.manifest_sha256 = hashlib.sha256(data).hexdigest()
    try:
        manifest = loads_run(data, path)
    except ManifestError as e:
        report.faults.append(Fault("manifest", layout.MANIFEST, "", str(e)))
        return report
    report.shards, report.documents, report.images = (
        len(manifest.shards), sum(s.documents for s in manifest.shards), sum(s.images for s in manifest.shards),
    )  # fmt: skip
    report.faults += _folder(run, manifest)
    report.faults += _sidecars(run, manifest)
    report.faults += _consistent(manifest)
    if sample is None:
        for entry in manifest.shards:
            faults, n = _shard(run, manifest.shard_folder, entry)
            report.faults += faults
            report.bytes += n
            progress(entry.tar, n)
    else:
        _sampled(run, manifest, sample, random.SystemRandom().getrandbits(32) if seed is None else seed, report)
    if tables:
        report.faults += _tables(run, manifest)
    report.seconds = time.monotonic() - begin
    return report


def miss_probability(documents: int, sample: int, faulty: int) -> float:
    """Probability that a sample without replacement holds none of `faulty` bad documents."""
    out = 1.0
    for i in range(faulty):
        out *= max(0, documents - sample - i) / max(1, documents - i)
    return out


def _folder(run: str, manifest: RunManifest) -> list[Fault]:
    """Files missing from the shard folder, and files that are there without being named."""
    folder = manifest.shard_folder
    wanted = {*names_of(manifest.shards), *(f.path for f in manifest.files)}
    there = set(files_under(storage.join(run, folder)))
    out = [Fault("missing", f"{folder}/{n}", "", "named by the manifest, but not there") for n in sorted(wanted - there)]
    for n in sorted(there - wanted):
        why = "a publication was interrupted: run the same command again" if n == PUBLISHING else "there, but not named by the manifest"
        out.append(Fault("extra", f"{folder}/{n}", "", why))
    return out


def _sidecars(run: str, manifest: RunManifest) -> list[Fault]:
    out = []
    for f in manifest.files:
        out += _same(run, Part(f"{manifest.shard_folder}/{f.path}", f.rows, f.bytes, f.sha256), "sidecar")
    if manifest.tombstones is not None:
        path = storage.join(run, TOMBSTONES)
        if not storage.exists(path) or storage.sha256_of(path) != manifest.tombstones:
            out.append(Fault("sidecar", TOMBSTONES, "", "not the tombstones that the manifest names"))
    return out


def _same(run: str, part: Part, kind: str) -> list[Fault]:
    """A file's size and hash. Missing shard files are named by `_folder`, other missing files here."""
    path = storage.join(run, part.path)
    if not storage.exists(path):
        return [] if kind in ("sidecar", "index") else [Fault("missing", part.path, "", "named by its manifest, but not there")]
    size = storage.size(path)
    if size != part.bytes:
        return [Fault("size", part.path, "", f"{size} bytes, the manifest says {part.bytes}")]
    sha256 = storage.sha256_of(path)
    return [] if sha256 == part.sha256 else [Fault("sha256", part.path, "", f"sha256 is {sha256}, the manifest says {part.sha256}")]


def _consistent(manifest: RunManifest) -> list[Fault]:
    """What the manifest says about itself."""
    out = []
    ids = [s.id for s in manifest.shards]
    for name in sorted({i for i in ids if ids.count(i) > 1}):
        out.append(Fault("manifest", layout.MANIFEST, name, "two shards have this id"))
    packed = manifest.counts.get("pack", {})
    for kind in ("documents", "paragraphs", "images"):
        total = sum(getattr(s, kind) for s in manifest.shards)
        if kind in packed and packed[kind].kept != total:
            out.append(Fault("manifest", layout.MANIFEST, kind, f"stage pack kept {packed[kind].kept}, the shards hold {total}"))
    for s in manifest.shards:
        if s.tar != f"{s.id}-{s.sha256[:12]}.tar":
            out.append(Fault("manifest", layout.MANIFEST, s.id, f"tar {s.tar!r} is not named after its sha256"))
    return out


def _shard(run: str, folder: str, entry: ShardEntry) -> tuple[list[Fault], int]:
    where = storage.join(run, folder)
    faults = [
        f
        for part in (entry.index, entry.energon)
        for f in _same(run, Part(f"{folder}/{part.path}", part.rows, part.bytes, part.sha256), "index")
    ]
    stored = None if any(f.file.endswith(entry.index.path) for f in faults) else _read_index(storage.join(where, entry.index.path))
    path = storage.join(where, entry.tar)
    if not storage.exists(path):
        return faults, 0
    with storage.open_read(path) as f:
        more, n = check(f, storage.size(path), entry, stored, folder)
    return faults + more, n


def _read_index(path: str) -> pa.Table | None:
    """An index whose bytes are right; None if the file is missing (named elsewhere)."""
    if not storage.exists(path):
        return None
    with storage.open_read(path) as f:
        return pq.read_table(f)


def _sampled(run: str, manifest: RunManifest, sample: int, seed: int, report: Report) -> None:
    folder, total = storage.join(run, manifest.shard_folder), report.documents
    n = min(sample, total)
    chosen = sorted(random.Random(seed).sample(range(total), n))
    at = 0
    for entry in manifest.shards:
        mine = [i - at for i in chosen if at <= i < at + entry.documents]
        at += entry.documents
        file, path = f"{manifest.shard_folder}/{entry.tar}", storage.join(folder, entry.tar)
        faults = [
            f
            for p in (entry.index, entry.energon)
            for f in _same(run, Part(f"{manifest.shard_folder}/{p.path}", p.rows, p.bytes, p.sha256), "index")
        ]
        report.faults += faults
        if not storage.exists(path):
            continue
        if storage.size(path) != entry.bytes:
            report.faults.append(Fault("size", file, "", f"{storage.size(path)} bytes, the manifest says {entry.bytes}"))
        index = None if faults else _read_index(storage.join(folder, entry.index.path))
        if index is None:
            continue
        rows = index.select(["key", "byte_offset", "byte_size", "crc32"]).take(pa.array(mine, pa.int64())).to_pylist()
        with storage.open_read(path) as f:
            for r in rows:
                f.seek(r["byte_offset"])
                data = f.read(r["byte_size"])
                report.bytes += len(data)
                if len(data) != r["byte_size"] or zlib.crc32(data) != r["crc32"]:
                    report.faults.append(Fault("tar", file, r["key"], "document's bytes have changed (crc32)"))
    report.sample = {
        "documents": n,
        "of": total,
        "seed": seed,
        "miss_one": miss_probability(total, n, 1),  # a single bad document
        "miss_1_percent": miss_probability(total, n, max(1, total // 100)),  # if 1 % of the documents are bad
        "unseen": "bytes outside the sampled documents",
    }


def _tables(run: str, manifest: RunManifest) -> list[Fault]:
    """Audit tables by the run's manifest; stage tables by the stages' manifests, whose hashes the run's manifest holds."""
    out = [f for parts in manifest.tables.values() for p in parts for f in _same(run, p, "table")]
    for stage, said in manifest.stages.items():
        folder = layout.stage_dir(stage, said["digest"])
        relative = f"{folder}/{layout.STAGE_MANIFEST}"
        path = storage.join(run, relative)
        if not storage.exists(path):
            out.append(Fault("missing", relative, "", "the manifest of a stage is gone"))
            continue
        data = storage.read_bytes(path)
        if hashlib.sha256(data).hexdigest() != said["manifest_sha256"]:
            out.append(Fault("manifest", relative, "", "not the stage manifest that the run's manifest names: one of the two is stale"))
            continue
        parts: Iterable[Part] = (p for ps in loads_stage(data, path).tables.values() for p in ps)
        for p in parts:
            if not (stage == "pack" and p.path.startswith(f"{layout.SHARDS}/")):  # read in RUN/shards
                out += _same(run, Part(f"{folder}/{p.path}", p.rows, p.bytes, p.sha256), "table")
    return out
