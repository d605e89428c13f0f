"""The whole of scoring beside the bare model: stored bytes and documents in, tables out, against the towers alone on prepared tensors.

What scoring does here is what the stage's two parts do (`score_bucket`, `score_unit`): read blobs, decode and measure in the guarded child,
encode images, cut and tokenise texts, encode them, compare, write Parquet. The bare model gets the same images as pixels ready for it and
the same distinct texts as token rows, sorted by length as ours are.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import rates, seconds


def prepared(files: Sequence[bytes], root: Path) -> tuple[Any, list[tuple[int, Any]]]:
    """(fetch as that stage leaves it, documents): one picture a page, with a caption, an alt text and a paragraph."""
    import pyarrow as pa

    from demo import english
    from demo.rng import Stream
    from pipelines.stage import Done, PartWriter
    from pipelines.storage import write_bytes
    from schemas import tables
    from schemas.ids import digest128, image_id
    from schemas.manifest import Part, StageManifest
    from schemas.rows import Document, Node

    writer, rows, documents, at = PartWriter(str(root)), [], [], 0
    for i, data in enumerate(files):
        url = f"http://pictures.example/{i}"
        rows.append({"image_id": image_id(url), "url": url, "host": "pictures.example", "bucket": "0000", "status": "success", "bytes": len(data),
                     "sha256": hashlib.sha256(data).hexdigest(), "blob": "blobs/0000.bin", "blob_offset": at, "http_status": 200, "final_url": url})  # fmt: skip
        at += len(data)
        draw = Stream("bench-score", i)
        nodes = (Node(0, "text", "p", english.paragraph(draw, 2, 3)), Node(1, "image", "image", url=url, image_id=image_id(url), alt=english.sentence(draw)),
                 Node(2, "text", "caption", english.sentence(draw)))  # fmt: skip
        page = f"http://pages.example/{i}"
        documents.append(
            (i, Document(digest128("doc", page), page, page, "pages.example", "", "w", i, 1, "2026-01-01T00:00:00Z", "", "en", 0.99, nodes))
        )
    write_bytes(str(root / "blobs" / "0000.bin"), b"".join(files))
    writer.commit("bucket", "0000", {"urls": pa.Table.from_pylist(rows, tables.schema("urls"))})
    found = {name: (Part(**record),) for name, record in writer.read_receipt("bucket", "0000")["tables"]}
    return Done(str(root), StageManifest("fetch", "bench", {}, {}, "", {"bucket": ("0000",)}, found, {})), documents


def cases(files: Sequence[bytes], clip: Any, decoders: int, folder: str) -> dict[str, Callable[[], int]]:
    """{"bare", "ours"}: each returns the images that it encoded."""
    import numpy as np

    from pipelines import storage
    from pipelines.images import bucket_work, join, unit_work
    from pipelines.images.places import placed
    from pipelines.settings.config import build

    config = build({"score": {"decoders": decoders, "shadow_share": 0.0, "gate_min_side": 0, "gate_max_aspect": 1e6}}, "the benchmark")
    s = config.score
    fetch, documents = prepared(files, Path(folder) / "fetch")
    columns = join.measure_columns(bucket_work.image_rules(config).measures)
    places = list(placed(documents, s, clip.context))
    chosen = unit_work.Negatives(s.negatives)
    for p in places:
        for t in p.texts:
            chosen.add(t.windows[0], p.doc_id)
    negatives = json.loads(unit_work.dump_negatives(chosen.rows()))

    def ours() -> int:
        made = bucket_work.score_bucket("0000", fetch, config, clip)
        where = str(Path(folder) / "out")
        for name, table in made.tables.items():
            storage.write_table(where, f"{name}/0000.parquet", table)
        found = join.offered(fetch, "0000", made.tables["images"], made.vectors, columns)
        again = list(placed(documents, s, clip.context))
        tables, _ = unit_work.score_unit("00000", again, found, columns, negatives, s, clip)
        for name, table in tables.items():
            storage.write_table(where, f"{name}/00000.parquet", table)
        return made.facts["images"]["encoded"]

    encoded = ours()
    pixels = np.zeros((clip.batch, clip.target.height, clip.target.width, 3), np.uint8)
    tokens = clip.tokenize(sorted({w for p in places for t in p.texts for w in t.windows}))

    def bare() -> int:
        for at in range(0, encoded, clip.batch):
            clip.images(pixels[: encoded - at])
        clip.tokens(tokens)
        return encoded

    return {"bare": bare, "ours": ours}


def measure(files: Sequence[bytes], model: str, device: str, decoders: int, rounds: int) -> tuple[dict[str, float], str]:
    """Images per second of both, and what was run."""
    from pipelines.images.stream import release
    from pipelines.models.clip import load
    from pipelines.settings.score import ClipSettings

    clip = load(ClipSettings(model=model, pretrained="random", device=device, threads=1 if device == "cpu" else 0))
    with tempfile.TemporaryDirectory() as folder:
        found = rates(cases(files, clip, decoders, folder), rounds, seconds)
    release()
    return found, f"{model}, {clip.facts['dtype']}, {clip.facts['device']}"
