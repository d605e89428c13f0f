"""Takes pages and images out of a published run: shards, tables and blobs, with tombstones, a patch for copies and a proof.

Only shards that hold something listed are written again. Readers follow the manifest, which changes in one step; the old
shards go after it has. What is kept about the removed things is their ids (hashes) and hashes of their hashes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.document import loads
from pipelines.shards.redact import Gone, erase_ranges, redact_file
from pipelines.shards.rewrite import Cut, rewrite
from pipelines.shards.run_manifest import LOG, TAKEDOWN, TOMBSTONES, files_under, publish, stages
from pipelines.shards.takedown_list import Targets
from schemas import layout
from schemas.manifest import Count, Part, RunManifest, ShardEntry, StageManifest, dumps, loads_run, loads_stage
from schemas.reasons import Reason

WORKING = ("rows",)  # tables of pack that only a resumed run reads; they hold text, so a takedown removes them
NEEDLE = 48  # bytes out of the middle of a removed image that the proof searches for


@dataclass
class Found:
    """What a list means for a run."""

    cuts: dict[str, Cut] = field(default_factory=dict)  # shard id -> what goes
    documents: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)  # image ids
    sha256: set[str] = field(default_factory=set)
    pdq: set[str] = field(default_factory=set)
    needles: set[bytes] = field(default_factory=set)


def find(run: str, manifest: RunManifest, targets: Targets) -> Found:
    """Search tables and shards for what is listed."""
    out = Found(sha256=set(targets.sha256), pdq=set(targets.pdq))
    staged = stages(run)
    _from_tables(staged, targets, out)
    folder = storage.join(run, manifest.shard_folder)
    for entry in manifest.shards:
        cut = _cut(folder, entry, targets, out)
        if cut:
            out.cuts[entry.id] = cut
    _images_of(staged, out)
    return out


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
        _remember(run, before, manifest, touched, found, reason)
    fresh = publish(run)
    for old in manifest.shards:
        if old.id in touched and old.tar != getattr(touched[old.id], "tar", None):
            for name in (old.tar, old.index.path, old.energon.path):
                if storage.exists(p := storage.join(shards, name)) and not storage.is_remote(p):
                    os.unlink(p)
    return {
        "shards_rewritten": sorted(touched),
        "shards_untouched": len(manifest.shards) - len(touched),
        "documents": sum(s.documents for s in manifest.shards) - sum(s.documents for s in fresh.shards),
        "images": sum(s.images for s in manifest.shards) - sum(s.images for s in fresh.shards),
        "blob_bytes_erased": erased,
        "manifest_before": before,
        "manifest": storage.sha256_of(path),
        "proof": prove_absence(run, found),
    }


def prove_absence(run: str, found: Found) -> dict[str, Any]:
    """Search every file below the run for the removed things: bytes in shards and blobs (tables are compressed, so they are read),
    sha256 and PDQ hashes within their distance in every column of every table."""
    near = Targets(pdq=frozenset(found.pdq))
    hits: list[str] = []
    files = size = 0

    for name in files_under(run):
        path = storage.join(run, name)
        files, size = files + 1, size + storage.size(path)
        if name.endswith(".parquet"):
            with storage.open_read(path) as f:
                t = pq.read_table(f)
            for column in ("sha256", "image_sha256"):
                if column in t.column_names and set(t[column].to_pylist()) & found.sha256:
                    hits.append(f"{name}: {column}")
            if "pdq" in t.column_names and any(near.near([p or "" for p in t["pdq"].to_pylist()])):
                hits.append(f"{name}: pdq")
        elif found.needles or found.sha256:
            data = storage.read_bytes(path)
            if any(n in data for n in found.needles):
                hits.append(f"{name}: bytes")
            if any(s.encode() in data for s in found.sha256):
                hits.append(f"{name}: sha256")
    return {"files": files, "bytes": size, "needles": len(found.needles), "hits": hits}


def apply_patch(folder: str, patch: dict[str, Any]) -> list[str]:
    """Bring a copy of the shards (tars and their indexes in one folder) to the state after a takedown; the names of the shards
    changed. ValueError if one does not come out as the patch says: then the copy was not equal to the original."""
    done = []
    for s in patch["shards"]:
        old = storage.join(folder, s["old"])
        if not storage.exists(old):
            continue
        cut = Cut(frozenset(s["drop"]), {k: frozenset(v) for k, v in s["edit"].items()})
        entry = rewrite(folder, s["old"], s["old"].replace(".tar", ".index.parquet"), folder, cut)
        if (entry.sha256 if entry else None) != s["new_sha256"]:
            raise ValueError(f"{old}: comes out as {entry and entry.sha256}, the patch says {s['new_sha256']}: verify the copy first")
        for suffix in (".tar", ".index.parquet", ".tar.idx"):
            if storage.exists(p := old.replace(".tar", suffix)):
                os.unlink(p)
        done.append(s["id"])
    return done


def _from_tables(staged: dict[str, tuple[str, StageManifest, str]], targets: Targets, out: Found) -> None:
    """Documents by address, images by address, hash and PDQ, kept or not."""
    for path in _paths(staged, "extract", "document_measures"):
        t = storage.read_table(path, ["doc_id", "url", "canonical_url", "domain"])
        for doc, url, canonical, domain in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if targets.url(url, canonical) or (targets.domains and targets.host(domain or "")):
                out.documents.add(doc)
    for path in _paths(staged, "score", "images"):
        t = storage.read_table(path, ["sha256", "pdq"])
        near = targets.near([p or "" for p in t["pdq"].to_pylist()])
        for sha, pdq, hit in zip(t["sha256"].to_pylist(), t["pdq"].to_pylist(), near, strict=True):
            if sha and (hit or sha in out.sha256):
                out.sha256.add(sha)
                out.pdq |= {pdq} if pdq else set()
    for path in _paths(staged, "fetch", "urls"):
        t = storage.read_table(path, ["image_id", "url", "final_url", "sha256"])
        for image, url, final, sha in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if targets.url(url, final) or (sha and sha in out.sha256):
                out.images.add(image)


def _images_of(staged: dict[str, tuple[str, StageManifest, str]], out: Found) -> None:
    """Images that no page shows but those that go: they go too."""
    theirs: set[str] = set()
    others: set[str] = set()
    for path in _paths(staged, "extract", "nodes") if out.documents else ():
        t = storage.read_table(path, ["doc_id", "image_id"])
        for doc, image in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if image:
                (theirs if doc in out.documents else others).add(image)
    out.images |= theirs - others


def _cut(folder: str, entry: ShardEntry, targets: Targets, out: Found) -> Cut:
    """What goes out of one shard; notes the ids of what goes in `out`."""
    drop, edit = set(), {}
    with storage.open_read(storage.join(folder, entry.index.path)) as f:
        rows = pq.read_table(f, columns=["key", "members"]).to_pylist()
    with storage.open_read(storage.join(folder, entry.tar)) as tar:
        for r in rows:
            head, *images = r["members"]
            tar.seek(head["offset"])
            record = loads(tar.read(head["size"]))
            whole = r["key"] in out.documents or targets.url(record["url"], record["canonical_url"])
            if whole or (targets.domains and targets.host(record["domain"] or "")):
                drop.add(r["key"])
                out.documents.add(r["key"])
                continue
            at = {m["name"]: m for m in images}
            cut = set()
            for i, name in enumerate(record["images"]):
                if name is not None and (record["image_sha256"][i] in out.sha256 or targets.url(record["image_url"][i])):
                    cut.add(i)
                    tar.seek(at[name]["offset"] + max(0, at[name]["size"] // 2 - NEEDLE // 2))
                    out.needles.add(tar.read(min(NEEDLE, at[name]["size"])))
            if cut:
                edit[r["key"]] = frozenset(cut)
    return Cut(frozenset(drop), edit)


def _paths(staged: dict[str, tuple[str, StageManifest, str]], stage: str, table: str) -> list[str]:
    if stage not in staged:
        return []
    root, manifest, _ = staged[stage]
    return [storage.join(root, p.path) for p in manifest.tables.get(table, ())]


def _erase_blobs(run: str, gone: Gone) -> int:
    """Zero the bytes of removed images in fetch's blobs, except where an image that stays lies in the same place."""
    staged = stages(run)
    take: dict[str, set[tuple[int, int]]] = {}
    stay: dict[str, set[tuple[int, int]]] = {}
    for path in _paths(staged, "fetch", "urls"):
        t = storage.read_table(path, ["image_id", "sha256", "blob", "blob_offset", "bytes"])
        for image, sha, blob, offset, size in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if blob and offset is not None and size:
                where = take if image in gone.images or sha in gone.sha256 else stay
                where.setdefault(blob, set()).add((offset, size))
    erased = 0
    for blob, ranges in take.items():
        if left := sorted(ranges - stay.get(blob, set())):
            erased += erase_ranges(storage.join(staged["fetch"][0], blob), left)
    return erased


def _redact_stages(run: str, gone: Gone, manifest: RunManifest, touched: dict[str, ShardEntry | None], found: Found) -> None:
    """Redact every table of every stage and the audit tables, and write their manifests anew."""
    for stage, (root, m, _) in stages(run).items():
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


def _remember(run: str, before: str, manifest: RunManifest, touched: dict[str, ShardEntry | None], found: Found, reason: str) -> None:
    """Tombstones, the patch, and the log that links the new manifest to the old."""
    path = storage.join(run, TOMBSTONES)
    old = json.loads(storage.read_bytes(path)) if storage.exists(path) else {"documents": [], "images": [], "contents": []}
    twice = {hashlib.sha256(s.encode()).hexdigest() for s in found.sha256}
    stones = {
        "documents": sorted({*old["documents"], *found.documents}),
        "images": sorted({*old["images"], *found.images}),
        "contents": sorted({*old["contents"], *twice}),  # sha256 of the hexadecimal sha256
    }
    storage.write_bytes(path, _json(stones))
    log_path = storage.join(run, LOG)
    log = json.loads(storage.read_bytes(log_path)) if storage.exists(log_path) else []
    if log and log[-1]["manifest_sha256"] == before:
        log.pop()  # an interrupted takedown, finished now
    name = f"{TAKEDOWN}/patch-{len(log) + 1:05d}.json"
    shards = []
    for s in manifest.shards:
        if s.id in touched:
            cut, new = found.cuts[s.id], touched[s.id]
            edit = {k: sorted(v) for k, v in sorted(cut.edit.items())}
            shards.append({"id": s.id, "old": s.tar, "old_sha256": s.sha256, "new": new and new.tar, "new_sha256": new and new.sha256,
                           "drop": sorted(cut.drop), "edit": edit})  # fmt: skip
    storage.write_bytes(storage.join(run, name), _json({"format": 1, "from": before, "shards": shards, "tombstones": stones}))
    storage.write_bytes(log_path, _json([*log, {"manifest_sha256": before, "reason": reason or "takedown", "patch": name}]))


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
