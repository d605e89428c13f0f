"""Image-text pairs for CLIP training with open_clip: `<key>_<position>.<ext>`, `.txt`, `.json` in tars, and `sizes.json`.

The text of an image is its caption, else its alt text, else the nearest text of the page (the one before it on a tie).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipelines import storage
from pipelines.shards.document import Member, dumps
from pipelines.shards.export.source import Sample, manifest_of, new_folder, samples
from pipelines.shards.export.tars import write_tar
from schemas.manifest import ShardEntry


def text_for(record: dict[str, list], i: int) -> tuple[str, str]:
    """The text of the image at position i, and where it is from."""
    for source in ("image_caption", "image_alt"):
        if (text := " ".join((record[source][i] or "").split())) != "":
            return text, source.removeprefix("image_")
    texts = [k for k, t in enumerate(record["texts"]) if t is not None and t.strip()]
    if not texts:
        return "", ""
    return " ".join(record["texts"][min(texts, key=lambda k: (abs(k - i), k > i))].split()), "text"


def members(sample: Sample, min_score: float | None) -> Iterator[list[Member]]:
    """A sample of open_clip for each image that has a text (and, if asked, a score of at least `min_score`)."""
    record = sample.record
    for i, name in enumerate(record["images"]):
        if name is None:
            continue
        text, source = text_for(record, i)
        score = record["image_clip_score"][i]
        if not text or (min_score is not None and (score is None or score < min_score)):
            continue
        key = f"{record['doc_id']}_{i}"
        about = {"key": key, "url": record["image_url"][i], "page": record["url"],
                 "caption": text, "text_from": source,
                 "sha256": record["image_sha256"][i], "width": record["image_width"][i],
                 "height": record["image_height"][i], "clip_score": score}  # fmt: skip
        yield [
            Member(f"{key}.{name.rsplit('.', 1)[1]}", sample.images[name]),
            Member(f"{key}.json", dumps(about)),
            Member(f"{key}.txt", text.encode()),
        ]


def export(run: str, folder: str, min_score: float | None = None) -> dict[str, int]:
    """Write `<shard>.tar` files and `sizes.json` (which open_clip reads); tar -> number of pairs."""
    new_folder(folder)
    manifest = manifest_of(run)

    def pairs(entry: ShardEntry) -> Iterator[list[Member]]:
        for s in samples(run, manifest, entry):
            yield from members(s, min_score)

    sizes = {f"{e.id}.tar": write_tar(storage.join(folder, f"{e.id}.tar"), pairs(e)) for e in manifest.shards}
    storage.write_bytes(storage.join(folder, "sizes.json"), json.dumps(sizes, indent=1).encode())
    return sizes
