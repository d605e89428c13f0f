"""RUN/manifest.json: made from the stages' manifests, and published together with the shards it names.

Publication never changes a file that a reader may be using: shard files carry their own hash in their names, the new ones are
put beside the old ones, the manifest is replaced in one step, and only then do the old ones go.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
from collections.abc import Iterable
from typing import Any

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards import sidecars
from schemas import layout
from schemas.manifest import ManifestError, Part, RunManifest, ShardEntry, StageManifest, dumps_run, entry_of, loads_stage
from schemas.shard import ESTIMATE

TAKEDOWN, LOG = layout.TAKEDOWN, layout.TAKEDOWN_LOG
TOMBSTONES = f"{TAKEDOWN}/tombstones.json"
MODEL_FACTS = ("model", "models", "clip", "language_model", "classifiers")  # what stages call the models they used
PUBLISHING = ".publishing"  # stands in the shard folder while it changes


def stages(run: str) -> dict[str, tuple[str, StageManifest, str]]:
    """Stage -> (folder, manifest, sha256 of the manifest's bytes), as `stages/current.json` names them."""
    path = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    if not storage.exists(path):
        raise ManifestError(f"{run} is not a run folder: {layout.STAGE_DIR}/{layout.CURRENT} is missing (start one with `weft run`)")
    current = json.loads(storage.read_bytes(path))
    out = {}
    for name in (s for s in layout.STAGES if s in current):
        root = storage.join(run, layout.stage_dir(name, current[name]))
        where = storage.join(root, layout.STAGE_MANIFEST)
        data = storage.read_bytes(where)
        out[name] = (root, loads_stage(data, where), hashlib.sha256(data).hexdigest())
    return out


def build(run: str) -> tuple[RunManifest, dict[str, bytes]]:
    """The manifest of a run whose stages up to `pack` are done, and the sidecars of its shard folder. ManifestError if they are not."""
    found = stages(run)
    if "pack" not in found:
        raise ManifestError(f"{run}: stage pack is not done; run `weft run` again to finish it")
    root, pack, _ = found["pack"]
    shards = tuple(sorted(entry_of(e) for e in pack.facts.get("entries", {}).values()))
    beside = sidecars.build(shards, *seen(storage.join(root, layout.SHARDS), shards), pack.facts.get("measures", ()))
    config = tomllib.loads(storage.read_bytes(storage.join(run, layout.CONFIG)).decode())
    log = json.loads(storage.read_bytes(storage.join(run, LOG))) if storage.exists(storage.join(run, LOG)) else []
    manifest = RunManifest(
        name=config.get("run", {}).get("name", ""),
        inputs=found["extract"][1].inputs if "extract" in found else {},
        config=config,
        code={s: m.code for s, (_, m, _) in found.items()},
        models=_models(found),
        stages={s: {"digest": m.digest, "manifest_sha256": sha} for s, (_, m, sha) in found.items()},
        tables=_audit_tables(run),
        counts={s: dict(m.counts) for s, (_, m, _) in found.items()},
        shards=shards,
        tokenizer=pack.facts.get("tokenizer", ESTIMATE),
        files=tuple(Part(path, 0, len(data), hashlib.sha256(data).hexdigest()) for path, data in sorted(beside.items())),
        previous=log[-1] if log else None,
        tombstones=storage.sha256_of(storage.join(run, TOMBSTONES)) if log else None,
    )
    return manifest, beside


def publish(run: str) -> RunManifest:
    """Put shards, manifest and sidecars of a packed run in their places under RUN. Doing it twice changes nothing; after an
    interruption, doing it again finishes it."""
    manifest, beside = build(run)
    root = stages(run)["pack"][0]
    publish_files(run, manifest, beside, storage.join(root, layout.SHARDS))
    return manifest


def publish_files(run: str, manifest: RunManifest, beside: dict[str, bytes], source: str) -> None:
    """The same for shards that lie in any folder."""
    folder = storage.join(run, manifest.shard_folder)
    target, data = storage.join(run, layout.MANIFEST), dumps_run(manifest)
    if _is_published(folder, target, data, manifest):
        return
    storage.write_bytes(storage.join(folder, PUBLISHING), b"shards are being published; this file goes when that is done\n")
    for name in names_of(manifest.shards):
        _place(storage.join(source, name), storage.join(folder, name))
    storage.write_bytes(target, data)
    for path, content in beside.items():
        storage.write_bytes(storage.join(folder, path), content)
    wanted = {*names_of(manifest.shards), *beside}
    for path in files_under(folder):
        if path not in wanted and path != PUBLISHING:
            _remove(storage.join(folder, path))
    _remove(storage.join(folder, PUBLISHING))


def names_of(shards: Iterable[ShardEntry]) -> list[str]:
    """The files of shards: tar, index, Energon's offsets."""
    return [name for s in shards for name in (s.tar, s.index.path, s.energon.path)]


def files_under(folder: str) -> list[str]:
    """Relative paths of all files below a folder, sorted."""
    if storage.is_remote(folder):
        import fsspec

        fs, inner = fsspec.core.url_to_fs(folder)
        return sorted(p[len(inner) :].lstrip("/") for p in fs.find(inner))
    out = []
    for base, _, names in os.walk(folder):
        out += [os.path.relpath(os.path.join(base, n), folder).replace(os.sep, "/") for n in names]
    return sorted(out)


def _is_published(folder: str, target: str, data: bytes, manifest: RunManifest) -> bool:
    """Whether every file is there in its size under an equal manifest. Contents are `verify`'s business."""
    if not storage.exists(target) or storage.read_bytes(target) != data or storage.exists(storage.join(folder, PUBLISHING)):
        return False
    sizes = [(f.path, f.bytes) for f in manifest.files]
    sizes += [x for s in manifest.shards for x in ((s.tar, s.bytes), (s.index.path, s.index.bytes), (s.energon.path, s.energon.bytes))]
    return all(storage.exists(p := storage.join(folder, name)) and storage.size(p) == n for name, n in sizes)


def _place(source: str, target: str) -> None:
    """Link (or copy) a file under its final name. Names hold hashes, so a file of the right size that is there is the right one."""
    if storage.exists(target) and storage.size(target) == storage.size(source):
        return
    if not storage.is_remote(source) and not storage.is_remote(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        temporary = f"{target}.tmp"
        if os.path.lexists(temporary):
            os.unlink(temporary)
        storage.link(source, temporary)
        os.replace(temporary, target)
        return
    with storage.open_read(source) as f, storage.atomic(target) as out:
        while piece := f.read(8 << 20):
            out.write(piece)


def _remove(path: str) -> None:
    if storage.is_remote(path):
        import fsspec

        fs, inner = fsspec.core.url_to_fs(path)
        fs.rm_file(inner)
    else:
        os.unlink(path)


def seen(folder: str, shards: Iterable[ShardEntry]) -> tuple[list[str], list[str]]:
    """Member endings (`0.jpg`) and languages that occur, from the indexes."""
    endings: set[str] = set()
    languages: set[str] = set()
    for s in shards:
        with storage.open_read(storage.join(folder, s.index.path)) as f:
            t = pq.read_table(f, columns=["members", "language"])
        languages |= {x for x in t["language"].to_pylist() if x}
        for members in t["members"].to_pylist():
            endings |= {m["name"].split(".", 1)[1] for m in members[1:]}
    return sorted(endings), sorted(languages)


def _audit_tables(run: str) -> dict[str, tuple[Part, ...]]:
    """The audit tables as published, paths relative to RUN."""
    path = storage.join(run, layout.AUDIT, layout.STAGE_MANIFEST)
    if not storage.exists(path):
        return {}
    report = loads_stage(storage.read_bytes(path), path)
    return {
        t: tuple(Part(f"{layout.AUDIT}/{p.path}", p.rows, p.bytes, p.sha256) for p in report.tables.get(t, ()))
        for t in layout.AUDIT_TABLES
        if report.tables.get(t)
    }


def _models(found: dict[str, tuple[str, StageManifest, str]]) -> dict[str, Any]:
    return {
        s: {k: m.facts[k] for k in MODEL_FACTS if k in m.facts} for s, (_, m, _) in found.items() if any(k in m.facts for k in MODEL_FACTS)
    }
