"""One unit of documents: each image compared with the texts beside it, and with texts of other pages.

What became of each image (fetched? decoded? measures, vector) has been brought to the unit by the stage; page text is read from the
file it lies in. No threshold is applied here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.images.facts import PairFacts
from pipelines.images.places import Placed
from pipelines.settings.score import ScoreSettings
from schemas import tables
from schemas.ids import fraction_of

PAIR_MEASURES = ("pair_margin", "pair_similarity")
NOT_ASKED = "not asked"  # fetch has no row for the URL
SALT = "score.negative"


class Negatives:
    """The texts of a run that every image is compared with besides its own: those whose hashes are the smallest, so the choice
    depends on neither order nor units. Merging is associative and commutative."""

    def __init__(self, most: int):
        self.most = most
        self.chosen: dict[str, tuple[float, str]] = {}  # text -> (key, smallest doc_id)

    def add(self, text: str, doc_id: str, key: float | None = None) -> None:
        known = self.chosen.get(text)
        if known is not None:
            if doc_id < known[1]:
                self.chosen[text] = (known[0], doc_id)
            return
        self.chosen[text] = (fraction_of(text, SALT) if key is None else key, doc_id)
        if len(self.chosen) > 2 * self.most + 64:
            self._cut()

    def _cut(self) -> None:
        kept = sorted(self.chosen.items(), key=lambda item: (item[1][0], item[0]))[: self.most]
        self.chosen = dict(kept)

    def rows(self) -> list[tuple[float, str, str]]:
        """(key, text, doc_id), smallest keys first."""
        self._cut()
        return sorted((key, text, doc_id) for text, (key, doc_id) in self.chosen.items())

    def merge(self, rows: Iterable[tuple[float, str, str]]) -> None:
        for key, text, doc_id in rows:
            self.add(text, doc_id, key)


def dump_negatives(rows: list[tuple[float, str, str]]) -> bytes:
    return json.dumps([[text, doc_id] for _, text, doc_id in rows], ensure_ascii=True).encode()


def score_unit(
    unit: str,
    places: list[Placed],
    found: pa.Table | None,
    measures: tuple[str, ...],
    negatives: list[list[str]],
    s: ScoreSettings,
    clip: Any | None,
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """(tables, facts). `found` has one row per image of the unit (see `join.found_schema`), in any order."""
    known = {r["image_id"]: r for r in found.to_pylist()} if found is not None else {}
    scores = _scores([p for p in places if _vector(known, p) is not None], known, negatives, s, clip)
    rows, pairs = [], []
    for p in places:
        image = known.get(p.image_id)
        fact = scores.get((p.row, p.index))
        pair = {"pair_similarity": fact.facts.similarity, "pair_margin": fact.facts.margin} if fact else dict.fromkeys(PAIR_MEASURES)
        where = {"doc_id": p.doc_id, "unit": unit, "row": p.row, "index": p.index, "image_id": p.image_id}
        base = {"status": NOT_ASKED, "reason": "", "sha256": "", "format": "", "pdq": "", "phash": ""} if image is None else image
        rows.append({**{k: base.get(k) for k in ("status", "reason", "sha256", "format", "pdq", "phash")}, **where, "language": p.language,
                     "scored": fact is not None, "shadow": bool(image and image["shadow"]), **{m: base.get(m) for m in measures}, **pair})  # fmt: skip
        if fact is not None:
            shadow = bool(image and image["shadow"])
            pairs.append({**where, "best_index": fact.best_index, "best_kind": fact.best_kind, "texts": fact.texts, "shadow": shadow,
                          "sample_rate": s.shadow_share if shadow else 1.0, "kept": True, "first_reason": "", "reasons": [],
                          "shadow_reasons": [], **pair})  # fmt: skip
    out = {
        "placements": pa.Table.from_pylist(rows, tables.wide("placements", (*measures, *PAIR_MEASURES))),
        "pairs": pa.Table.from_pylist(pairs, tables.wide("pairs", PAIR_MEASURES)),
    }
    return out, {"pairs": len(pairs), "placed": len(rows)}


@dataclass(frozen=True)
class Scored:
    facts: PairFacts
    best_index: int
    best_kind: str
    texts: list[dict[str, Any]]


def _vector(known: Mapping[str, dict[str, Any]], p: Placed) -> bytes | None:
    image = known.get(p.image_id)
    return image["vector"] if image else None


def _scores(
    places: list[Placed], known: Mapping[str, dict[str, Any]], negatives: list[list[str]], s: ScoreSettings, clip: Any | None
) -> dict[tuple[int, int], Scored]:
    if clip is None or not places:
        return {}
    windows = sorted({w for p in places for t in p.texts for w in t.windows} | {text for text, _ in negatives})
    if not windows:
        return {(p.row, p.index): Scored(PairFacts(), -1, "", []) for p in places}
    where = {w: i for i, w in enumerate(windows)}
    vectors = clip.texts(windows).astype(np.float64)  # float32 products differ in their last bits with where arrays lie in memory
    others = [(text, doc_id, where[text]) for text, doc_id in negatives]
    other_vectors = vectors[[i for _, _, i in others]]
    out = {}
    for p in places:
        image = np.frombuffer(_vector(known, p) or b"", "<f4").astype(np.float64)
        own = {w for t in p.texts for w in t.windows}
        texts = [{"index": t.index, "kind": t.kind, "similarity": rounded(max(float(vectors[where[w]] @ image) for w in t.windows), s.precision)}
                 for t in p.texts]  # fmt: skip
        best = max(texts, key=lambda t: t["similarity"], default=None)  # of equals the first: caption, alt, nearest paragraph
        elsewhere = [i for i, (text, doc_id, _) in enumerate(others) if text not in own and doc_id != p.doc_id]
        margin = None
        if best is not None and elsewhere:
            margin = rounded(best["similarity"] - float((other_vectors[elsewhere] @ image).mean()), s.precision)
        facts = PairFacts(best["similarity"] if best else None, margin)
        out[(p.row, p.index)] = Scored(facts, best["index"] if best else -1, best["kind"] if best else "", texts)
    return out


def rounded(x: float, precision: float) -> float:
    """The nearest multiple of `precision`, without the dust of binary fractions."""
    return round(round(x / precision) * precision, 9)
