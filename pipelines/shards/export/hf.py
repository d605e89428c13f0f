"""A folder ready for the Hugging Face Hub: shards, a card that its loader understands, the audit tables as a second configuration.

The Hub's limits are respected: under 10,000 entries a folder (shards go into folders of 1,000), under 100,000 files in all.
"""

from __future__ import annotations

import json

from pipelines import storage
from pipelines.shards import card as heads
from pipelines.shards.export import cards, croissant
from pipelines.shards.export.source import SPLITS, ExportError, manifest_of, new_folder
from pipelines.shards.export.stats import collect
from pipelines.shards.run_manifest import seen as members_seen
from pipelines.shards.run_manifest import stages
from schemas import layout
from schemas.manifest import ShardEntry

PER_FOLDER = 1_000
MAX_FILES = 100_000
MAX_BYTES = 200_000_000_000  # per file
AUDIT = ("documents", "nodes", "images", "decisions")


def place(entry: ShardEntry, position: int) -> str:
    """Path of the n-th shard of its split in the export."""
    return f"data/{SPLITS[entry.split]}/{position // PER_FOLDER:03d}/{entry.tar}"


def export(run: str, folder: str, url: str = "https://example.invalid/dataset") -> dict[str, int]:
    """Write the folder. ExportError if it would break a limit of the Hub (then pack into larger or smaller shards)."""
    new_folder(folder)
    manifest = manifest_of(run)
    audit = [p for t in AUDIT for p in manifest.tables.get(t, ())]
    if len(manifest.shards) + len(audit) + 10 > MAX_FILES:
        raise ExportError(f"{len(manifest.shards)} shards: the Hub takes {MAX_FILES} files; raise pack.shard_bytes and run again")
    if big := next((s for s in manifest.shards if s.bytes > MAX_BYTES), None):
        raise ExportError(f"{big.tar} has {big.bytes} bytes: the Hub takes {MAX_BYTES} per file; lower pack.shard_bytes and run again")
    source, paths, seen = storage.join(run, manifest.shard_folder), {}, dict[str, int]()
    for s in manifest.shards:
        paths[s.tar] = place(s, seen.get(s.split, 0))
        seen[s.split] = seen.get(s.split, 0) + 1
        _copy(storage.join(source, s.tar), storage.join(folder, paths[s.tar]))
    for p in audit:
        _copy(storage.join(run, p.path), storage.join(folder, p.path))
    stats = collect(run, manifest)
    described = croissant.describe(manifest, stats, url)
    for f in described["distribution"]:
        if f["@id"] in paths:
            f["contentUrl"] = paths[f["@id"]]
    measures = stages(run)["pack"][1].facts.get("measures", ())
    endings, languages = members_seen(source, manifest.shards)
    globs = {SPLITS[s]: f"data/{SPLITS[s]}/*/*.tar" for s in seen}
    head = heads.head(
        manifest.shards, endings, measures, languages, globs, {t: f"audit/{t}/*.parquet" for t in AUDIT if manifest.tables.get(t)}
    )
    sums = "".join(f"{s.sha256}  {paths[s.tar]}\n" for s in manifest.shards) + "".join(f"{p.sha256}  {p.path}\n" for p in audit)
    for name, text in {
        "README.md": head + cards.card(manifest, stats),
        "DATASHEET.md": cards.datasheet(manifest, stats),
        "croissant.json": json.dumps(described, indent=1, ensure_ascii=False),
        "SHA256SUMS": sums,
        layout.MANIFEST: storage.read_bytes(storage.join(run, layout.MANIFEST)).decode(),
    }.items():
        storage.write_bytes(storage.join(folder, name), text.encode())
    return {SPLITS[s]: sum(e.documents for e in manifest.shards if e.split == s) for s in seen}


def _copy(source: str, target: str) -> None:
    with storage.open_read(source) as f, storage.atomic(target) as out:
        while piece := f.read(8 << 20):
            out.write(piece)
