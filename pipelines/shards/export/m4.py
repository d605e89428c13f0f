"""A superset tar that m4, the loader OBELICS was trained with, reads too: a member per text and per image, in order.

`<key>.json` stays first and names the images as they are called here; `<key>.<i>.text.txt` and `<key>.<i>.image.jpeg` follow (m4 goes by
that name; the bytes are as fetched, in whatever format); `<key>.metadata.txt` lists all their names, against which m4 checks that
a document is complete.
"""

from __future__ import annotations

import json
from typing import Any

from pipelines import storage
from pipelines.shards.document import Member, dumps
from pipelines.shards.export.source import Sample, manifest_of, new_folder, samples
from pipelines.shards.export.tars import write_tar


def members(sample: Sample) -> list[Member]:
    """The members of one document."""
    record, key = sample.record, sample.record["doc_id"]
    renamed = {n: f"{key}.{i}.image.jpeg" for i, n in enumerate(record["images"]) if n is not None}
    pieces = []
    for i, (text, image) in enumerate(zip(record["texts"], record["images"], strict=True)):
        pieces.append(Member(f"{key}.{i}.text.txt", text.encode()) if image is None else Member(renamed[image], sample.images[image]))
    head = {**record, "images": [None if n is None else renamed[n] for n in record["images"]]}
    names = [f"{key}.metadata.txt", *(m.name for m in pieces)]
    return [Member(f"{key}.json", dumps(head)), *pieces, Member(names[0], json.dumps(names).encode())]


def export(run: str, folder: str) -> dict[str, Any]:
    """Write `<shard>.tar` files and `sizes.json`; tar -> number of documents."""
    new_folder(folder)
    manifest = manifest_of(run)
    sizes = {
        f"{e.id}.tar": write_tar(storage.join(folder, f"{e.id}.tar"), (members(s) for s in samples(run, manifest, e)))
        for e in manifest.shards
    }
    storage.write_bytes(storage.join(folder, "sizes.json"), json.dumps(sizes, indent=1).encode())
    return sizes
