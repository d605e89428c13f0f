"""One explicit Arrow schema per table, with its name and version in the metadata.

Wide tables (`document_measures`, `nodes`, `images`, `pairs`) take one more float64 column per measure: `wide(NAME,
measures)`. A measure that does not apply to a row is NULL. `record` is the ordinal of the WARC record in its unit: with `unit` it names
one capture even where two captures share a doc_id.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

NODE = pa.struct(
    [
        ("index", pa.int32()), ("kind", pa.string()), ("role", pa.string()), ("text", pa.string()),
        ("url", pa.string()), ("alt", pa.string()), ("caption", pa.string()),
        ("width", pa.int32()), ("height", pa.int32()), ("image_id", pa.string()), ("reason", pa.string()),
    ]
)  # fmt: skip

_DOCUMENT = [
    ("doc_id", pa.string()), ("url", pa.string()), ("canonical_url", pa.string()), ("domain", pa.string()),
    ("crawl", pa.string()), ("warc_path", pa.string()), ("warc_offset", pa.int64()), ("warc_length", pa.int64()),
    ("fetched_at", pa.string()), ("title", pa.string()), ("language", pa.string()), ("language_score", pa.float64()),
]  # fmt: skip

_VERDICT = [
    ("kept", pa.bool_()), ("first_reason", pa.string()), ("reasons", pa.list_(pa.string())),
    ("shadow_reasons", pa.list_(pa.string())),
]  # fmt: skip

_ROW = [("doc_id", pa.string()), ("unit", pa.string()), ("row", pa.int32())]

_COLUMNS: dict[str, list[tuple[str, pa.DataType]]] = {
    # extract
    "documents": [*_DOCUMENT, ("nodes", pa.list_(NODE))],
    "rejects": [*_DOCUMENT, ("nodes", pa.list_(NODE))],
    "document_measures": [
        *_DOCUMENT, ("unit", pa.string()), ("record", pa.int32()), ("row", pa.int32()),  # row = -1: dropped, so not in `documents`
        ("n_text", pa.int32()), ("n_images", pa.int32()), ("text_bytes", pa.int64()), *_VERDICT,
    ],
    "nodes": [
        ("doc_id", pa.string()), ("unit", pa.string()), ("record", pa.int32()), ("index", pa.int32()), ("kind", pa.string()),
        ("role", pa.string()), ("image_id", pa.string()), ("url", pa.string()), ("text_bytes", pa.int32()),
        ("document_kept", pa.bool_()), *_VERDICT,
        ("language", pa.string()),  # of the document: limits may differ by it
    ],
    "optouts": [
        ("subject", pa.string()), ("id", pa.string()), ("url", pa.string()), ("signal", pa.string()),
        ("value", pa.string()), ("token", pa.string()), ("acted", pa.bool_()), ("seen_at", pa.string()),
        ("evidence", pa.string()),
    ],
    "archived": [  # an image whose bytes lie in the same archives: read from there instead of being fetched
        ("image_id", pa.string()), ("url", pa.string()), ("path", pa.string()), ("offset", pa.int64()), ("length", pa.int64()),
        ("content_type", pa.string()), ("fetched_at", pa.string()),
    ],
    "dead": [
        ("stage", pa.string()), ("unit", pa.string()), ("id", pa.string()), ("url", pa.string()),
        ("path", pa.string()), ("offset", pa.int64()), ("length", pa.int64()), ("kind", pa.string()),
        ("message", pa.string()), ("trace", pa.string()),
    ],
    # dedup
    "decisions": [
        *_ROW, ("kept", pa.bool_()), ("reason", pa.string()), ("duplicate_of", pa.string()),
        ("similarity", pa.float64()), ("cluster", pa.string()),
    ],
    "node_decisions": [
        *_ROW, ("index", pa.int32()), ("kind", pa.string()), ("image_id", pa.string()), ("kept", pa.bool_()),
        ("reason", pa.string()), ("duplicate_of", pa.string()), ("similarity", pa.float64()),
    ],
    "edges": [("a", pa.string()), ("b", pa.string()), ("similarity", pa.float64())],
    "clusters": [
        ("cluster", pa.string()), ("doc_id", pa.string()), ("representative", pa.bool_()), ("quality", pa.float64()),
        ("fetched_at", pa.string()),
    ],
    "signatures": [  # of kept documents: what the dedup index takes; signature = bands x rows uint32, little-endian
        ("doc_id", pa.string()), ("row", pa.int32()), ("url_key", pa.binary(16)), ("text_key", pa.binary(16)),
        ("fetched_at", pa.string()), ("signature", pa.binary()),
    ],
    # fetch
    "urls": [
        ("image_id", pa.string()), ("url", pa.string()), ("host", pa.string()), ("bucket", pa.string()),
        ("status", pa.string()),  # "success" or a failure in words
        ("http_status", pa.int32()), ("final_url", pa.string()), ("redirects", pa.int32()),
        ("address_class", pa.string()), ("content_type", pa.string()), ("bytes", pa.int64()), ("sha256", pa.string()),
        ("blob", pa.string()), ("blob_offset", pa.int64()), ("attempts", pa.int32()), ("seconds", pa.float64()),
        ("fetched_at", pa.string()), ("detail", pa.string()),
    ],
    # score
    "images": [
        ("image_id", pa.string()), ("url", pa.string()), ("bucket", pa.string()), ("sha256", pa.string()),
        ("format", pa.string()), ("pdq", pa.string()), ("phash", pa.string()), *_VERDICT,
    ],
    "embeddings": [("image_id", pa.string()), ("vector", pa.list_(pa.float32()))],
    "pairs": [
        *_ROW, ("index", pa.int32()), ("image_id", pa.string()), ("best_index", pa.int32()), ("best_kind", pa.string()),
        ("texts", pa.list_(pa.struct([("index", pa.int32()), ("kind", pa.string()), ("similarity", pa.float32())]))),
        ("shadow", pa.bool_()), ("sample_rate", pa.float64()), *_VERDICT,
    ],
    "placements": [  # one row per image node that dedup kept, with what became of its image: fetch status, score's reason, measures
        *_ROW, ("index", pa.int32()), ("image_id", pa.string()), ("language", pa.string()), ("status", pa.string()), ("reason", pa.string()),
        ("sha256", pa.string()), ("format", pa.string()), ("pdq", pa.string()), ("phash", pa.string()), ("scored", pa.bool_()),
        ("shadow", pa.bool_()),
    ],
    # select: `decisions` and `node_decisions` again, with the split
    "selected": [
        *_ROW, ("kept", pa.bool_()), ("reason", pa.string()), ("reasons", pa.list_(pa.string())),
        ("split", pa.string()), ("n_text", pa.int32()), ("n_images", pa.int32()),
    ],
    "verdicts": [*_ROW, ("index", pa.int32()), ("image_id", pa.string()), *_VERDICT],  # of every image node: all its reasons
    "assignments": [*_ROW, ("index", pa.int32()), ("image_id", pa.string()), ("text_index", pa.int32()), ("similarity", pa.float64())],
    # pack
    "rows": [*_ROW, ("shard", pa.string()), ("n_text", pa.int32()), ("n_images", pa.int32()), ("body", pa.binary())],  # body: JSON
    "lost": [*_ROW, ("reason", pa.string())],  # documents that could not be written, by shard
    "packed": [*_ROW, ("kept", pa.bool_()), ("reason", pa.string()), ("split", pa.string()), ("shard", pa.string())],
    # report
    "rollups": [
        ("kind", pa.string()),  # documents | paragraphs | images | image_urls | pairs
        ("measure", pa.string()), ("bin", pa.int32()),  # histogram rows; "" and NULL on rows that count fates
        ("stage", pa.string()), ("reason", pa.string()), ("language", pa.string()), ("kept", pa.bool_()), ("n", pa.int64()),
    ],
    "rules": [
        ("rule", pa.string()), ("unit", pa.string()), ("at", pa.string()), ("version", pa.int32()), ("measure", pa.string()),
        ("side", pa.string()), ("limit", pa.float64()), ("reason", pa.string()), ("shadow", pa.bool_()), ("order", pa.int32()),
        ("only", pa.list_(pa.string())), ("but", pa.list_(pa.string())),  # languages the limit is for, is not for
        ("source", pa.string()), ("doc", pa.string()),
    ],
}  # fmt: skip

VERSION: dict[str, int] = {name: 1 for name in _COLUMNS}


def schema(name: str) -> pa.Schema:
    """The schema of a table. KeyError names the tables there are."""
    if name not in _COLUMNS:
        raise KeyError(f"no table {name!r}; there are {sorted(_COLUMNS)}")
    return pa.schema(_COLUMNS[name], metadata={"weft.table": name, "weft.version": str(VERSION[name])})


def wide(name: str, measures: Iterable[str]) -> pa.Schema:
    """The schema of a wide table with one float64 column per measure; ValueError if a measure hides a column."""
    base = schema(name)
    names = sorted(set(measures))
    if clash := set(names) & set(base.names):
        raise ValueError(f"measures {sorted(clash)} clash with columns of table {name!r}: rename the measures")
    out = base
    for m in names:
        out = out.append(pa.field(m, pa.float64()))  # pyright: ignore[reportUnknownMemberType]
    return out.with_metadata(base.metadata)  # pyright: ignore[reportUnknownMemberType]


def names() -> list[str]:
    return sorted(_COLUMNS)
