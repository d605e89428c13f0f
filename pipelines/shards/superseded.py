"""What a run folder still holds of earlier configurations: folders of stages that are no longer current."""

from __future__ import annotations

from pipelines import storage
from pipelines.shards.run_manifest import stages
from schemas import layout
from schemas.manifest import StageManifest, loads_stage

Built = dict[str, tuple[str, StageManifest]]  # fetch/<digest> -> (folder, manifest)


def built_on(run: str) -> Built:
    """The earlier fetches that the current one was built on (`weft retry`, `fetch.earlier`), newest first: a later run asks for them."""
    out: Built = {}
    staged = stages(run)
    digest = staged["fetch"][1].config.get("earlier", "") if "fetch" in staged else ""
    while digest and f"fetch/{digest}" not in out:
        root = storage.join(run, layout.stage_dir("fetch", digest))
        path = storage.join(root, layout.STAGE_MANIFEST)
        if not storage.exists(path):
            break
        manifest = loads_stage(storage.read_bytes(path), path)
        out[f"fetch/{digest}"] = root, manifest
        digest = manifest.config.get("earlier", "")
    return out


def clear(run: str) -> list[str]:
    """Remove every other stage folder, finished or not: a run with their configuration makes it again. `<stage>/<digest>` of each."""
    keep = {f"{name}/{m.digest}" for name, (_, m, _) in stages(run).items()} | set(built_on(run))
    gone = []
    for name in layout.STAGES:
        folder = storage.join(run, layout.STAGE_DIR, name)
        for digest in storage.listing(folder):
            if f"{name}/{digest}" not in keep:
                storage.remove_tree(storage.join(folder, digest))
                gone.append(f"{name}/{digest}")
    return gone
