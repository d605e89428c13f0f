"""Takes pages and images out of a published run: shards, tables and blobs, with tombstones, a patch for copies and a proof.

Only shards that hold something listed are written again. Readers follow the manifest, which changes in one step; the old
shards go after it has. Folders of stages that an earlier configuration left are removed whole: only the current ones are read. What is kept about the removed things is their ids (hashes) and hashes of their hashes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.redact import Gone, erase_ranges, redact_file
from pipelines.shards.rewrite import rewrite
from pipelines.shards.run_manifest import publish, stages
from pipelines.shards.sign import renew
from pipelines.shards.superseded import built_on, clear
from pipelines.shards.takedown_find import Found, find, prove_absence
from pipelines.shards.takedown_list import Targets
from pipelines.shards.takedown_record import remember
from schemas import layout
from schemas.manifest import Count, Part, RunManifest, ShardEntry, StageManifest, dumps, loads_run, loads_stage
from schemas.reasons import Reason

WORKING = ("rows",)  # tables of pack that only a resumed run reads; they hold text, so a takedown removes them


def takedown(run: str, targets: Targets, reason: str = "") -> dict[str, Any]:
    """Take what is listed out of a run; a summary with the proof. Doing it twice changes nothing the second time. ManifestError
    if the run is not published; an interrupted takedown is finished by giving the same list again."""
    path = storage.join(run, layout.MANIFEST)
    data = storage.read_bytes(path)
    manifest, before = loads_run(data, path), hashlib.sha256(data).hexdigest()
    found = find(run, manifest, targets)
    gone = Gone(frozenset(found.documents), frozenset(found.images), frozenset(found.sha256))
    touched: dict[str, ShardEntry | None] = {}
    pack_root = stages(run)["pack"][0]
    shards = storage.join(pack_root, layout.SHARDS)
    for entry in manifest.shards:
        if entry.id in found.cuts:
            source = storage.join(run, manifest.shard_folder)
            touched[entry.id] = rewrite(source, entry.tar, entry.index.path, shards, found.cuts[entry.id])
    erased = _erase_blobs(run, gone)
    _redact_stages(run, gone, manifest, touched, found)
    if touched or erased:
        remember(run, before, manifest, touched, found, reason)
    fresh = publish(run)
    renew(run)
    for old in manifest.shards:
        if old.id in touched and old.tar != getattr(touched[old.id], "tar", None):
            for name in (old.tar, old.index.path, old.energon.path):
                if storage.exists(p := storage.join(shards, name)) and not storage.is_remote(p):
                    os.unlink(p)
    superseded = clear(run)
    return {
        "shards_rewritten": sorted(touched),
        "shards_untouched": len(manifest.shards) - len(touched),
        "documents": sum(s.documents for s in manifest.shards) - sum(s.documents for s in fresh.shards),
        "images": sum(s.images for s in manifest.shards) - sum(s.images for s in fresh.shards),
        "blob_bytes_erased": erased,
        "superseded_removed": superseded,
        "manifest_before": before,
        "manifest": storage.sha256_of(path),
        "proof": prove_absence(run, found),
    }


def _erase_blobs(run: str, gone: Gone) -> int:
    """Zero the bytes of removed images in fetch's blobs, except where an image that stays lies in the same place."""
    staged = stages(run)
    if "fetch" not in staged:
        return 0
    return sum(_erase(root, m, gone) for root, m in (staged["fetch"][:2], *built_on(run).values()))


def _erase(root: str, manifest: StageManifest, gone: Gone) -> int:
    take: dict[str, set[tuple[int, int]]] = {}
    stay: dict[str, set[tuple[int, int]]] = {}
    for path in (storage.join(root, p.path) for p in manifest.tables.get("urls", ())):
        t = storage.read_table(path, ["image_id", "sha256", "blob", "blob_offset", "bytes"])
        for image, sha, blob, offset, size in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if blob and offset is not None and size:
                where = take if image in gone.images or sha in gone.sha256 else stay
                where.setdefault(blob, set()).add((offset, size))
    erased = 0
    for blob, ranges in take.items():
        if left := sorted(ranges - stay.get(blob, set())):
            erased += erase_ranges(storage.join(root, blob), left)
    return erased


def _redact_stages(run: str, gone: Gone, manifest: RunManifest, touched: dict[str, ShardEntry | None], found: Found) -> None:
    """Redact every table of every stage and the audit tables, and write their manifests anew."""
    current = [(stage, root, m) for stage, (root, m, _) in stages(run).items()]
    for stage, root, m in [*current, *(("fetch", root, m) for root, m in built_on(run).values())]:
        skip = {"shards", "index", "energon"} if stage == "pack" else set()
        tables = {}
        for name, parts in m.tables.items():
            if stage == "pack" and name in WORKING and touched:
                _remove(root, [*parts, Part("places.bin", 0, 0, ""), Part("places.bin.json", 0, 0, "")])
                continue
            tables[name] = parts if name in skip else tuple(_refresh(root, p, gone) for p in parts)
        changed = replace(m, tables=tables)
        if stage == "pack" and touched:
            changed = _pack(root, changed, manifest, touched, found)
        if changed != m:
            storage.write_bytes(storage.join(root, layout.STAGE_MANIFEST), dumps(changed))
    path = storage.join(run, layout.AUDIT, layout.STAGE_MANIFEST)
    if storage.exists(path):
        audit, folder = loads_stage(storage.read_bytes(path), path), storage.join(run, layout.AUDIT)
        kept = {n: parts for n, parts in audit.tables.items() if n in layout.AUDIT_TABLES}
        tables = {**audit.tables, **{n: tuple(_refresh(folder, p, gone) for p in parts) for n, parts in kept.items()}}
        if tables != audit.tables:
            storage.write_bytes(path, dumps(replace(audit, tables=tables)))


def _refresh(root: str, part: Part, gone: Gone) -> Part:
    """A table without what is gone; a blob as it is now."""
    if part.path.endswith(".parquet"):
        return redact_file(root, part, gone)
    path = storage.join(root, part.path)
    return replace(part, bytes=storage.size(path), sha256=storage.sha256_of(path))


def _remove(root: str, parts: Iterable[Part]) -> None:
    for p in parts:
        path = storage.join(root, p.path)
        if storage.exists(path) and not storage.is_remote(path):
            os.unlink(path)


def _pack(root: str, m: StageManifest, before: RunManifest, touched: dict[str, ShardEntry | None], found: Found) -> StageManifest:
    """Pack's manifest after the cuts: new files, and counts that still balance."""
    entries = {s.id: s for s in before.shards} | {i: e for i, e in touched.items() if e is not None}
    entries = {i: e for i, e in sorted(entries.items()) if touched.get(i, e) is not None}

    def parts(get: Any) -> tuple[Part, ...]:
        return tuple(sorted(replace(p, path=f"{layout.SHARDS}/{p.path}") for p in map(get, entries.values())))

    tables = {
        **m.tables,
        "shards": parts(lambda e: Part(e.tar, e.documents, e.bytes, e.sha256)),
        "index": parts(lambda e: e.index),
        "energon": parts(lambda e: e.energon),
    }
    counts = {}
    for kind, c in before.counts["pack"].items():
        kept = sum(getattr(e, kind) for e in entries.values())
        taken = c.kept - kept
        reason = {"documents": Reason.TAKEDOWN, "images": Reason.IMAGE_TAKEDOWN}.get(kind, Reason.DOCUMENT_DROPPED)
        counts[kind] = c + Count(0, -taken, {str(reason): taken}) if taken else c
    left = _keys(storage.join(root, layout.SHARDS), [e for i, e in entries.items() if i in touched])
    tables["packed"] = tuple(_repack(root, p, set(touched), left) for p in m.tables.get("packed", ()))
    return replace(m, tables=tables, counts=counts, facts={**m.facts, "entries": {i: asdict(e) for i, e in entries.items()}})


def _keys(folder: str, shards: Iterable[ShardEntry]) -> set[str]:
    out: set[str] = set()
    for s in shards:
        with storage.open_read(storage.join(folder, s.index.path)) as f:
            out |= set(pq.read_table(f, columns=["key"])["key"].to_pylist())
    return out


def _repack(root: str, part: Part, touched: set[str], left: set[str]) -> Part:
    """`packed` with the removed documents marked."""
    import pyarrow as pa

    t = storage.read_table(storage.join(root, part.path))
    rows = t.to_pylist()
    for r in rows:
        if r["kept"] and r["shard"] in touched and r["doc_id"] not in left:
            r.update(kept=False, reason=str(Reason.TAKEDOWN), shard="")
    return storage.write_table(root, part.path, pa.Table.from_pylist(rows, t.schema))
