"""Exact node lengths in the trainer's own tokenizer, measured once and cached: the plan needs them and nothing more."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from trainer.index import Index, read_bytes, read_json
from trainer.remote import ShardCache
from trainer.text import Bytes, Tokens, nodes

SCHEMA = pa.schema(
    [
        ("tokens", pa.list_(pa.int32())),  # per node; -1 = an image
        ("widths", pa.list_(pa.int32())),  # per node; 0 for text
        ("heights", pa.list_(pa.int32())),
        ("error", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Length:
    """Lengths of one document's nodes; empty where the document could not be read."""

    tokens: tuple[int, ...]
    widths: tuple[int, ...]
    heights: tuple[int, ...]


def measure(index: Index, tok: Bytes | Tokens, cache: str, shards: ShardCache | None = None) -> tuple[list[Length], dict[str, str]]:
    """Lengths by document of the index, and the errors by key. The cache file is keyed by index and tokenizer."""
    file = os.path.join(cache, f"lengths-{index.hash}-{tok.hash}.parquet")
    if not os.path.exists(file):
        rows: dict[str, list] = {n: [] for n in SCHEMA.names}
        for entry in index.entries:
            counted, widths, heights, error = [], [], [], None
            try:
                for n in nodes(read_json(entry, read_bytes(entry, shards)), index.kind, tok):
                    counted.append(-1 if n.ids is None else len(n.ids))
                    widths.append(n.size[0])
                    heights.append(n.size[1])
            except (ValueError, KeyError, TypeError, OSError) as e:
                counted, widths, heights, error = [], [], [], f"{type(e).__name__}: {e}"
            for name, value in zip(SCHEMA.names, (counted, widths, heights, error), strict=True):
                rows[name].append(value)
        os.makedirs(cache, exist_ok=True)
        part = f"{file}.{os.getpid()}.part"
        pq.write_table(pa.table(rows, schema=SCHEMA), part)
        os.replace(part, file)
    table = pq.read_table(file)
    columns = [table[n].to_pylist() for n in SCHEMA.names]
    lengths = [Length(tuple(t), tuple(w), tuple(h)) for t, w, h in zip(*columns[:3], strict=True)]
    errors = {e.key: m for e, m in zip(index.entries, columns[3], strict=True) if m}
    return lengths, errors
