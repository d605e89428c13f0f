"""The head of the shard folder's README.md: what Hugging Face's loader must know to read the shards without arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.manifest import ShardEntry
from schemas.shard import IMAGE_LISTS, PROVENANCE

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"),
         (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))  # fmt: skip
BODY = """
# Weft shards

Documents of text and images in page order, one WebDataset tar per shard. `<key>.json` holds the parallel lists `texts` and
`images`; images follow as `<key>.<position>.<extension>`, bytes as fetched. `weft export --format card` writes the full card.
"""
_NUMBERS = {"warc_offset": "int64", "warc_length": "int64", "language_score": "float64"}
_LISTS = {"image_width": "int32", "image_height": "int32", "image_clip_score": "float64"}


def size_category(documents: int) -> str:
    return next((name for limit, name in SIZES if documents < limit), "n>1B")


def record_features(quality: Iterable[str]) -> list[dict[str, Any]]:
    """The features of a document's JSON, in the form of a dataset card."""
    fields: dict[str, Any] = {"doc_id": "string"} | {name: _NUMBERS.get(name, "string") for name in PROVENANCE}
    lists = {"texts": "string", "images": "string", "node_index": "int32"} | {name: _LISTS.get(name, "string") for name in IMAGE_LISTS}
    out: list[dict[str, Any]] = [{"name": n, "dtype": t} for n, t in fields.items()]
    out += [{"name": n, "list": t} for n, t in lists.items()]
    if names := sorted(quality):
        out.append({"name": "quality", "struct": [{"name": n, "dtype": "float64"} for n in names]})
    return sorted(out, key=lambda f: f["name"])


def features(endings: Iterable[str], quality: Iterable[str]) -> list[dict[str, Any]]:
    """The features of the WebDataset: the JSON, and a picture for each member ending (`0.jpg`, `3.png` ...) that occurs."""
    pictures = sorted(endings, key=lambda e: (int(e.split(".", 1)[0]), e))
    return [
        {"name": "__key__", "dtype": "string"},
        {"name": "__url__", "dtype": "string"},
        {"name": "json", "struct": record_features(quality)},
        *({"name": e, "dtype": "image"} for e in pictures),
    ]


def head(
    shards: Sequence[ShardEntry],
    endings: Iterable[str],
    quality: Iterable[str],
    languages: Iterable[str],
    globs: Mapping[str, str] | None = None,
    audit: Mapping[str, str] | None = None,
) -> str:
    """YAML between `---` lines. Values are written as JSON, which is YAML, so nothing from the web can end a line early.

    Splits name their tars one by one, or by `globs` (split -> pattern) where the folder holds nothing else; `audit` adds a
    configuration per table (name -> pattern).
    """
    names = {"train": "train", "val": "validation"}
    splits: dict[str, list[ShardEntry]] = {}
    for s in shards:
        splits.setdefault(names[s.split], []).append(s)
    files = [{"split": k, "path": globs[k] if globs else [s.tar for s in v]} for k, v in splits.items()]
    sizes = [{"name": k, "num_bytes": sum(s.bytes for s in v), "num_examples": sum(s.documents for s in v)} for k, v in splits.items()]
    info = {"config_name": "default", "features": features(endings, quality), "splits": sizes}
    configs = [{"config_name": "default", "data_files": files, "default": True}]
    configs += [{"config_name": f"audit_{t}", "data_files": [{"split": "train", "path": p}]} for t, p in (audit or {}).items()]
    values: Mapping[str, Any] = {
        "pretty_name": "Weft shards",
        "task_categories": ["image-text-to-text"],
        "language": sorted(lang for lang in set(languages) if len(lang) in (2, 3) and lang != "und"),
        "size_categories": [size_category(sum(s.documents for s in shards))],
        "tags": ["webdataset", "interleaved", "common-crawl"],
        "configs": configs,
        "dataset_info": [info],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join(["---", *lines, "---", ""])
