"""`weft export --format img2dataset`: the URLs of a run's fetch as a list that img2dataset reads, to fetch or resize them its way."""

from __future__ import annotations

import json

from pipelines import storage
from pipelines.shards.export.source import ExportError, new_folder
from pipelines.stage import Done
from pipelines.web.fetch.img2dataset import export_urls
from schemas import layout
from schemas.manifest import loads_stage

LIST = "urls.parquet"


def export(run: str, folder: str) -> dict[str, int]:
    """Write urls.parquet (url, image_id, sha256, weft_status) of every URL that was fetched with success; opt-outs and failures stay
    out. The run need not be finished, only its fetch. ExportError if that is not."""
    new_folder(folder)
    current = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    digest = json.loads(storage.read_bytes(current)).get("fetch") if storage.exists(current) else None
    root = storage.join(run, layout.stage_dir("fetch", digest)) if digest else run
    where = storage.join(root, layout.STAGE_MANIFEST)
    if digest is None or not storage.exists(where):
        raise ExportError(f"{run}: nothing has been fetched yet; `weft run` does it")
    done = Done(root, loads_stage(storage.read_bytes(where), where))
    return {"urls": export_urls(done, storage.join(folder, LIST), only="success")}
