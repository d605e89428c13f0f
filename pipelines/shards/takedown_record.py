"""What a takedown leaves behind: tombstones by hash, a patch for copies, and the log that links the new manifest to the old."""

from __future__ import annotations

import json
import os
from typing import Any

from pipelines import storage
from pipelines.shards.rewrite import Cut, rewrite
from pipelines.shards.run_manifest import LOG, TAKEDOWN, TOMBSTONES
from pipelines.shards.takedown_find import Found
from pipelines.tombstones import hashed
from schemas.manifest import RunManifest, ShardEntry
from schemas.shard import parse_name


def remember(run: str, before: str, manifest: RunManifest, touched: dict[str, ShardEntry | None], found: Found, reason: str) -> None:
    """Tombstones, the patch, and the log that links the new manifest to the old."""
    path = storage.join(run, TOMBSTONES)
    old = json.loads(storage.read_bytes(path)) if storage.exists(path) else {}
    fresh = {"documents": found.documents, "pages": found.pages, "domains": found.domains, "images": found.images,
             "contents": set(map(hashed, found.sha256))}  # fmt: skip
    stones = {kind: sorted({*old.get(kind, ()), *values}) for kind, values in fresh.items()}
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


def apply_patch(folder: str, patch: dict[str, Any]) -> list[str]:
    """Bring a copy of the shards (tars and their indexes in one folder) to the state after a takedown; the names of the shards
    changed. ValueError if one does not come out as the patch says: then the copy was not equal to the original."""
    done = []
    for s in patch["shards"]:
        parse_name(s["old"])  # a patch comes from elsewhere: it names shards and nothing else
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
