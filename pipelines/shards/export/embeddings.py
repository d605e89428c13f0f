"""`weft export --format npy`: a run's image vectors as one array, with a table that says which picture each row is."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.export.source import ExportError, new_folder
from pipelines.stage import Done
from schemas import layout
from schemas.manifest import loads_stage

VECTORS, IMAGES, MODEL = "vectors.npy", "images.parquet", "model.json"


def export(run: str, folder: str) -> dict[str, int]:
    """Write `vectors.npy` (float32, a row per image URL that the model saw, in the order of the tables), `images.parquet` (image_id,
    url, sha256; row i is vector i) and `model.json` (the model, the sha256 of its weights). A part of the table is held in memory at
    a time. The run need not be finished, only its score. ExportError if it kept no vectors."""
    new_folder(folder)
    score = _score(run)
    paths = score.paths("embeddings")
    n = score.manifest.rows("embeddings")
    if not n:
        raise ExportError(f"{run}: its score stage kept no image vectors; set score.embeddings = true and run again")
    first = next(t for t in (storage.read_table(p) for p in paths) if t.num_rows)
    width = len(first["vector"][0])
    about = {r["image_id"]: r for p in score.paths("images") for r in storage.read_table(p, ["image_id", "url", "sha256"]).to_pylist()}
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f4", "fortran_order": False, "shape": (n, width)})
    schema = pa.schema([("image_id", pa.string()), ("url", pa.string()), ("sha256", pa.string())])
    with storage.atomic(storage.join(folder, VECTORS)) as out, storage.atomic(storage.join(folder, IMAGES)) as listed:
        out.write(head.getvalue())
        with pq.ParquetWriter(listed, schema, compression="zstd") as table:
            for path in paths:
                t = storage.read_table(path)
                flat = t["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
                if len(flat) != t.num_rows * width:
                    raise ExportError(f"{path}: vectors of another length than {width}; delete the score stage's folder and run again")
                out.write(np.ascontiguousarray(flat, "<f4").tobytes())
                table.write_table(pa.Table.from_pylist([about[i] for i in t["image_id"].to_pylist()], schema))
    storage.write_bytes(
        storage.join(folder, MODEL), (json.dumps(score.manifest.facts.get("clip", {}), indent=1, sort_keys=True) + "\n").encode()
    )
    return {"vectors": n}


def _score(run: str) -> Done:
    current = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    digest = json.loads(storage.read_bytes(current)).get("score") if storage.exists(current) else None
    where = storage.join(run, layout.stage_dir("score", digest), layout.STAGE_MANIFEST) if digest else ""
    if not digest or not storage.exists(where):
        raise ExportError(f"{run}: nothing has been scored yet; `weft run` does it")
    return Done(storage.join(run, layout.stage_dir("score", digest)), loads_stage(storage.read_bytes(where), where))
