"""MMC4's JSON with the images inside (base64), a tar per shard: what OpenFlamingo's loader reads.

`similarity_matrix` is images x texts. Weft measures an image against the texts near it only; what was not measured is -1, below every
cosine that a model gives to a real pair, so an assignment never prefers it. Where nothing was measured the nearest text gets 0.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pipelines import storage
from pipelines.shards.document import Member
from pipelines.shards.export.source import Sample, manifest_of, new_folder, samples
from pipelines.shards.export.tars import write_tar
from pipelines.shards.run_manifest import stages

UNMEASURED = -1.0
Scores = Mapping[tuple[str, int, int], float]  # (document, image node, text node) -> similarity


def document(sample: Sample, scores: Scores) -> dict[str, Any]:
    """One document in MMC4's fields."""
    record = sample.record
    nodes = record["node_index"]
    texts = [i for i, t in enumerate(record["texts"]) if t is not None]
    images = [i for i, n in enumerate(record["images"]) if n is not None]
    matrix, info = [], []
    for i in images:
        row = [scores.get((record["doc_id"], nodes[i], nodes[t]), UNMEASURED) for t in texts]
        if texts and max(row) == UNMEASURED:
            row[min(range(len(texts)), key=lambda k: abs(texts[k] - i))] = 0.0  # noqa: B023
        best = max(range(len(row)), key=row.__getitem__) if row else None
        matrix.append(row)
        info.append(
            {
                "image_name": record["images"][i],
                "raw_url": record["image_url"][i],
                "matched_text_index": best,
                "matched_sim": row[best] if best is not None else None,
                "image_base64": base64.b64encode(sample.images[record["images"][i]]).decode(),
            }
        )
    return {
        "url": record["url"],
        "text_list": [record["texts"][t] for t in texts],
        "image_info": info,
        "similarity_matrix": matrix,
        "could_have_url_duplicate": 0,
    }


def pair_scores(run: str) -> dict[tuple[str, int, int], float]:
    """Every measured similarity of an image with a text node, from the score stage's `pairs`."""
    found = stages(run).get("score")
    out: dict[tuple[str, int, int], float] = {}
    if found is None:
        return out
    root, manifest, _ = found
    for part in manifest.tables.get("pairs", ()):
        t = storage.read_table(storage.join(root, part.path), ["doc_id", "index", "texts"])
        for doc, index, texts in zip(*(t[c].to_pylist() for c in ("doc_id", "index", "texts")), strict=True):
            for x in texts or ():
                if x["similarity"] is not None and x["index"] is not None and x["index"] >= 0:
                    out[doc, index, x["index"]] = float(x["similarity"])
    return out


def export(run: str, folder: str) -> dict[str, int]:
    """Write `<shard>.tar` files and `sizes.json`; tar -> number of documents."""
    new_folder(folder)
    manifest, scores = manifest_of(run), pair_scores(run)

    def members(entry: Any) -> Iterator[list[Member]]:
        for s in samples(run, manifest, entry):
            yield [Member(f"{s.record['doc_id']}.json", json.dumps(document(s, scores), ensure_ascii=False).encode())]

    sizes = {f"{e.id}.tar": write_tar(storage.join(folder, f"{e.id}.tar"), members(e)) for e in manifest.shards}
    storage.write_bytes(storage.join(folder, "sizes.json"), json.dumps(sizes, indent=1).encode())
    return sizes
