"""What a takedown list means for a run (which documents and images, in which shards), and the search that nothing of it is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.document import loads
from pipelines.shards.rewrite import Cut
from pipelines.shards.run_manifest import files_under, stages
from pipelines.shards.takedown_list import Targets
from pipelines.tombstones import hashed
from schemas.manifest import RunManifest, ShardEntry, StageManifest

NEEDLE = 48  # bytes out of the middle of a removed image that the proof searches for
Staged = dict[str, tuple[str, StageManifest, str]]


@dataclass
class Found:
    """What a list means for a run."""

    cuts: dict[str, Cut] = field(default_factory=dict)  # shard id -> what goes
    documents: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)  # hashes of their addresses
    domains: set[str] = field(default_factory=set)  # hashes of those that were listed
    images: set[str] = field(default_factory=set)  # image ids
    sha256: set[str] = field(default_factory=set)
    pdq: set[str] = field(default_factory=set)
    needles: set[bytes] = field(default_factory=set)


def find(run: str, manifest: RunManifest, targets: Targets) -> Found:
    """Search tables and shards for what is listed."""
    out = Found(sha256=set(targets.sha256), pdq=set(targets.pdq), domains=set(map(hashed, targets.domains)))
    staged = stages(run)
    _from_tables(staged, targets, out)
    folder = storage.join(run, manifest.shard_folder)
    for entry in manifest.shards:
        cut = _cut(folder, entry, targets, out)
        if cut:
            out.cuts[entry.id] = cut
    _images_of(staged, out)
    return out


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


def _from_tables(staged: Staged, targets: Targets, out: Found) -> None:
    """Documents by address, images by address, hash and PDQ, kept or not."""
    for path in paths(staged, "extract", "document_measures"):
        t = storage.read_table(path, ["doc_id", "url", "canonical_url", "domain"])
        for doc, url, canonical, domain in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if targets.url(url, canonical) or (targets.domains and targets.host(domain or "")):
                out.documents.add(doc)
                out.pages |= {hashed(canonical)} if canonical else set()
    for path in paths(staged, "score", "images"):
        t = storage.read_table(path, ["sha256", "pdq"])
        near = targets.near([p or "" for p in t["pdq"].to_pylist()])
        for sha, pdq, hit in zip(t["sha256"].to_pylist(), t["pdq"].to_pylist(), near, strict=True):
            if sha and (hit or sha in out.sha256):
                out.sha256.add(sha)
                out.pdq |= {pdq} if pdq else set()
    for path in paths(staged, "fetch", "urls"):
        t = storage.read_table(path, ["image_id", "url", "final_url", "sha256"])
        for image, url, final, sha in zip(*(t[c].to_pylist() for c in t.column_names), strict=True):
            if targets.url(url, final) or (sha and sha in out.sha256):
                out.images.add(image)


def _images_of(staged: Staged, out: Found) -> None:
    """Images that no page shows but those that go: they go too."""
    theirs: set[str] = set()
    others: set[str] = set()
    for path in paths(staged, "extract", "nodes") if out.documents else ():
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
                out.pages.add(hashed(record["canonical_url"]))
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


def paths(staged: Staged, stage: str, table: str) -> list[str]:
    if stage not in staged:
        return []
    root, manifest, _ = staged[stage]
    return [storage.join(root, p.path) for p in manifest.tables.get(table, ())]
