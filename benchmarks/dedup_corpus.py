"""The generated documents that dedup is measured on."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

WORDS = 1_000  # per document: 6.7 kB, as the pages of Common Crawl that were measured


def texts(count: int, words: int = WORDS, seed: int = 1, repeats: float = 0.2) -> list[str]:
    """Documents of random words with Zipf frequencies; a share of them are edits of an earlier one."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfw"))
    vocabulary = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(20_000)])
    out: list[str] = []
    for i in range(count):
        if i and rng.random() < repeats:
            tokens = out[int(rng.integers(max(0, i - 1_000), i))].split(" ")
            for at in rng.integers(0, len(tokens), 8):
                tokens[at] = f"w{rng.integers(1 << 30)}"
            out.append(" ".join(tokens))
        else:
            out.append(" ".join(vocabulary[np.minimum(rng.zipf(1.2, words), 20_000) - 1]))
    return out


def write_documents(folder: Path, count: int, per_unit: int) -> Any:
    """An extract folder: rows with one paragraph of text."""
    import pyarrow as pa

    from pipelines import storage
    from pipelines.stage import Done
    from schemas.ids import doc_id
    from schemas.manifest import StageManifest
    from schemas.tables import schema

    rng = random.Random(1)
    parts, names = [], []
    for unit in range(-(-count // per_unit)):
        corpus = texts(min(per_unit, count - unit * per_unit), seed=unit)
        name = f"{unit:05d}"
        rows = [
            {"doc_id": doc_id(f"http://h.example/{unit}/{i}", "", ""), "url": "", "domain": "h.example",
             "canonical_url": f"http://h{rng.randrange(500)}.example/{unit}/{i}", "fetched_at": "2024-05-01T00:00:00Z",
             "nodes": [{"index": 0, "kind": "text", "text": t, "reason": ""}]}
            for i, t in enumerate(corpus)
        ]  # fmt: skip
        parts.append(
            storage.write_table(
                str(folder / "extract"), f"documents/{name}.parquet", pa.Table.from_pylist(rows, schema=schema("documents"))
            )
        )
        names.append(name)
    return Done(
        str(folder / "extract"), StageManifest("extract", "0" * 16, {}, {}, "", {"unit": tuple(names)}, {"documents": tuple(parts)}, {})
    )
