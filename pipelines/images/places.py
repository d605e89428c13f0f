"""The images of a unit where they stand, each with the texts it will be compared with: found once, kept in a small file for the pass
that compares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from pipelines.images.texts import NearText, images_of, near_texts
from pipelines.settings.score import ScoreSettings
from schemas.rows import Document

_TEXT = pa.struct([("index", pa.int32()), ("kind", pa.string()), ("windows", pa.list_(pa.string()))])
SCHEMA = pa.schema([("row", pa.int64()), ("doc_id", pa.string()), ("index", pa.int32()), ("image_id", pa.string()),
                    ("language", pa.string()), ("texts", pa.list_(_TEXT))])  # fmt: skip


@dataclass(frozen=True)
class Placed:
    """An image node in its document."""

    row: int
    doc_id: str
    index: int
    image_id: str
    language: str
    texts: tuple[NearText, ...]


def placed(documents: Iterable[tuple[int, Document]], s: ScoreSettings, context: int) -> Iterator[Placed]:
    """Every image node still in play, in page order; without a `context` (no model) without texts."""
    for row, d in documents:
        for at in images_of(d):
            texts = tuple(near_texts(d, at, s.neighbours, s.windows, context)) if context else ()
            yield Placed(row, d.doc_id, d.nodes[at].index, d.nodes[at].image_id, d.language, texts)


def table(places: Iterable[Placed]) -> pa.Table:
    rows = [{**p.__dict__, "texts": [t._asdict() for t in p.texts]} for p in places]
    return pa.Table.from_pylist(rows, SCHEMA)


def read(kept: pa.Table) -> Iterator[Placed]:
    """What `table` was given."""
    for r in kept.to_pylist():
        yield Placed(**{**r, "texts": tuple(NearText(t["index"], t["kind"], tuple(t["windows"])) for t in r["texts"])})
