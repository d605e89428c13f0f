"""The shard: a tar of documents, and the index beside it that makes it seekable, plannable and provable.

A document is the member `<doc_id>.json` followed by its images `<doc_id>.<position>.<ext>`, adjacent, in document order. The
JSON has parallel lists `texts` and `images` with nulls (the OBELICS convention); `images` names the full member.
"""

from __future__ import annotations

import pyarrow as pa

VERSION = 1
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "AVIF": "avif"}  # Pillow's format name -> member extension

MEMBER = pa.struct(
    [
        ("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64()),  # of the member's bytes, not of its header
        ("width", pa.int32()), ("height", pa.int32()), ("sha256", pa.string()), ("clip_score", pa.float32()),
    ]
)  # fmt: skip

INDEX = pa.schema(
    [
        ("key", pa.string()),  # doc_id
        ("offset", pa.int64()),  # of the sample's first tar header
        ("size", pa.int64()),  # of the whole sample: headers, members, padding
        ("json_offset", pa.int64()), ("json_size", pa.int64()),
        ("images", pa.list_(MEMBER)),  # in document order
        ("text_bytes", pa.int64()), ("text_chars", pa.int64()),
        ("text_tokens", pa.int64()),  # see the metadata key weft.tokens: a tokenizer's name, or "estimate:bytes/4"
        ("nodes", pa.string()),  # one letter a node, in order: t text, i image
        ("node_chars", pa.list_(pa.int32())),  # characters of each text node, 0 for images: documents are cut only between nodes
        ("language", pa.string()), ("domain", pa.string()), ("url", pa.string()), ("crawl", pa.string()), ("split", pa.string()),
        ("quality", pa.float32()), ("crc32", pa.int64()),  # of the sample's bytes
    ],
    metadata={"weft.table": "index", "weft.version": str(VERSION)},
)  # fmt: skip


def shard_name(prefix: str, number: int, sha256: str) -> str:
    """`weft-00017-<first 12 of sha256>.tar`: the name holds the content."""
    return f"{prefix}-{number:05d}-{sha256[:12]}.tar"


def index_name(prefix: str, number: int) -> str:
    return f"{prefix}-{number:05d}.index.parquet"
