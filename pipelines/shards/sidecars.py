"""What other readers look for beside the shards: sizes, shard lists, checksums, Energon's folder, the card's head."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from pipelines.shards import card
from schemas.manifest import ShardEntry
from schemas.shard import CARD, ENERGON_META, SIZES, SUMS, TRAIN, VAL, WIDS, WIDS_VAL

ENERGON_DATASET = "__module__: megatron.energon\n__class__: CrudeWebdataset\nsubflavors: {}\n"


def build(
    shards: Sequence[ShardEntry],
    endings: Iterable[str],
    languages: Iterable[str],
    quality: Iterable[str],
    text: str = card.BODY,
) -> dict[str, bytes]:
    """Relative path -> content, SHA256SUMS last. `text` is the card's body."""
    out = {
        SIZES: _json({s.tar: s.documents for s in shards}),
        f"{ENERGON_META}/.info.json": _json({"energon_version": "7.0.0", "shard_counts": {s.tar: s.documents for s in shards}}),
        f"{ENERGON_META}/split.yaml": _split(shards),
        f"{ENERGON_META}/dataset.yaml": ENERGON_DATASET.encode(),
        CARD: (card.head(shards, endings, quality, languages) + text).encode(),
    }
    for name, split in ((WIDS, TRAIN), (WIDS_VAL, VAL)):
        if chosen := [s for s in shards if s.split == split]:
            out[name] = _wids(chosen)
    sums = [(s.tar, s.sha256) for s in shards] + [(p.path, p.sha256) for s in shards for p in (s.index, s.energon)]
    out[SUMS] = "".join(f"{sha}  {name}\n" for name, sha in sorted(sums)).encode()
    return out


def _wids(shards: Sequence[ShardEntry]) -> bytes:
    rows = [{"url": s.tar, "nsamples": s.documents, "filesize": s.bytes} for s in shards]
    return _json({"__kind__": "wids-shard-index-v1", "wids_version": 1, "shardlist": rows})


def _split(shards: Sequence[ShardEntry]) -> bytes:
    """Energon's splits; names are safe in YAML because shard names are."""
    lines = ["split_parts:"]
    for split in (TRAIN, VAL, "test"):
        names = [s.tar for s in shards if s.split == split]
        lines += [f"  {split}:", *(f"  - {n}" for n in names)] if names else [f"  {split}: []"]
    return ("\n".join([*lines, "exclude: []"]) + "\n").encode()


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
