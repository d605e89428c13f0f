"""Generated corpora with known structure, and an `extract` folder made of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from pipelines import storage
from pipelines.stage import Done
from schemas.ids import doc_id, image_id
from schemas.manifest import StageManifest
from schemas.tables import schema

VOCABULARY = [f"{a}{b}{c}" for a in ("ba", "co", "du", "fi", "ge", "ha") for b in ("lor", "min", "nes", "pat", "qui") for c in "abcdefghij"]


def sentence(rng: random.Random, words: int) -> list[str]:
    return [f"{rng.choice(VOCABULARY)}{rng.randrange(100)}" for _ in range(words)]


def edited(words: list[str], rng: random.Random, edits: int) -> list[str]:
    """`edits` words replaced; each breaks up to 5 shingles."""
    out = list(words)
    for i in rng.sample(range(len(out)), edits):
        out[i] = f"edit{rng.randrange(10**9)}"
    return out


def corpus(kind: str, seed: int, count: int = 2_000, words: int = 120) -> list[str]:
    """Texts: chains (each a small edit of the one before), stars (edits of one source), cliques (tiny edits of one source), near the
    threshold (Jaccard scattered around 0.8), mixed."""
    rng = random.Random(f"{kind}{seed}")
    out: list[list[str]] = []
    while len(out) < count:
        source = sentence(rng, words)
        out.append(source)
        size = min(rng.choice((0, 0, 1, 3, 8, 25)), count - len(out))
        shape = rng.choice(("chain", "star", "clique", "threshold")) if kind == "mixed" else kind
        last = source
        for _ in range(size):
            edits = {"chain": 2, "star": 2, "clique": 1, "threshold": rng.choice((2, 3))}[shape]
            last = edited(last if shape == "chain" else source, rng, edits)
            out.append(last)
    rng.shuffle(out)
    return [" ".join(w) for w in out[:count]]


def document(
    url: str, texts: Sequence[str] = (), images: Sequence[str] = (), fetched_at: str = "2024-05-01T00:00:00Z", **more: object
) -> dict:
    """A row of extract/documents: paragraphs, then images."""
    nodes = [{"kind": "text", "role": "p", "text": t} for t in texts] + [{"kind": "image", "role": "image", "url": u} for u in images]
    full = []
    for i, n in enumerate(nodes):
        full.append({"index": i, "text": "", "url": "", "alt": "", "caption": "", "width": 0, "height": 0, "reason": "", **n,
                     "image_id": image_id(n["url"]) if "url" in n else ""})  # fmt: skip
    row = {"doc_id": doc_id(url, "c", fetched_at), "url": url, "canonical_url": url, "domain": url.split("/")[2], "crawl": "c",
           "warc_path": "w", "warc_offset": 0, "warc_length": 0,
           "fetched_at": fetched_at, "title": "", "language": "en", "language_score": 1.0}  # fmt: skip
    return row | {"nodes": full} | more


def extract_folder(root: Path, units: Sequence[Sequence[dict]], digest: str = "0" * 16, measures: Sequence[pa.Table] = ()) -> Done:
    """A finished extract stage holding these documents."""
    names = tuple(f"{i:05d}" for i in range(len(units)))
    parts = []
    for name, rows in zip(names, units, strict=True):
        table = pa.Table.from_pylist(list(rows), schema=schema("documents"))
        if len(table):
            parts.append(storage.write_table(str(root), f"documents/{name}.parquet", table))
    measured = [storage.write_table(str(root), f"document_measures/{n}.parquet", t) for n, t in zip(names, measures, strict=False)]
    tables = {"documents": tuple(parts), "document_measures": tuple(measured)}
    return Done(str(root), StageManifest("extract", digest, {}, {}, "", {"unit": names}, tables, {}))
