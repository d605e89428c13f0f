"""The index of a shard: one row per document, made from its JSON and its place in the tar, so that `verify` can make it again."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from schemas.shard import ESTIMATE, index_schema

Tokens = Callable[[list[str]], int]


def estimate(texts: list[str]) -> int:
    """A quarter of the UTF-8 bytes, rounded up: about right for English and a byte-pair vocabulary, too low for dense scripts."""
    return -(-sum(len(t.encode()) for t in texts) // 4)


def tokens(tokenizer: str) -> tuple[str, Tokens]:
    """The name that goes into the index, and the counter. "" = estimate; else a `tokenizer.json` file, named with its hash."""
    if not tokenizer:
        return ESTIMATE, estimate
    import hashlib
    from pathlib import Path

    from tokenizers import Tokenizer

    raw = Path(tokenizer).read_bytes()
    loaded = Tokenizer.from_str(raw.decode())

    def count(texts: list[str]) -> int:
        return sum(len(e.ids) for e in loaded.encode_batch(texts, add_special_tokens=False))

    return f"{Path(tokenizer).name}@sha256:{hashlib.sha256(raw).hexdigest()[:16]}", count


def row(
    record: dict[str, Any], places: Sequence[tuple[str, int, int]], start: int, end: int, crc32: int, count: Tokens, quality: str
) -> dict[str, Any]:
    """An index row. `places` are (member, content offset, size) in archive order; `quality` names the measure that stands for quality."""
    texts = [t for t in record["texts"] if t is not None]
    shown = [i for i, name in enumerate(record["images"]) if name is not None]
    return {
        "key": record["doc_id"],
        "byte_offset": start,
        "byte_size": end - start,
        "members": [{"name": n, "offset": o, "size": s} for n, o, s in places],
        "n_texts": len(texts),
        "text_bytes": sum(len(t.encode()) for t in texts),
        "text_tokens": count(texts),
        "n_images": len(shown),
        "widths": [record["image_width"][i] for i in shown],
        "heights": [record["image_height"][i] for i in shown],
        "clip_scores": [record["image_clip_score"][i] for i in shown],
        "quality": (record.get("quality") or {}).get(quality),
        "language": record["language"],
        "domain": record["domain"],
        "crc32": crc32,
    }


def table(rows: list[dict[str, Any]], tokenizer: str, quality: str) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=index_schema(tokenizer, quality))


def energon(rows: list[dict[str, Any]]) -> bytes:
    """Energon's `.tar.idx`: the start of each sample and the end of the last, little-endian 64-bit."""
    starts = [r["byte_offset"] for r in rows]
    end = rows[-1]["byte_offset"] + rows[-1]["byte_size"] if rows else 0
    return struct.pack(f"<{len(starts) + 1}Q", *starts, end)
