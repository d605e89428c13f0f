"""Nodes that repeat: paragraphs within a domain, image URLs over the run, images within a document. And what they leave behind.

Rows travel as (kind, key, count, first copy): one per distinct paragraph or image of a unit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.dedup.elect import ranks
from pipelines.dedup.elections import verdicts
from pipelines.dedup.features import PARAGRAPH, PICTURE
from pipelines.dedup.keys import KEY, from_bytes, key_array, of_column, part_of, split, to_column
from pipelines.dedup.work import Sent, Work
from schemas.reasons import Reason

_SEEN = pa.schema(
    [("kind", pa.int8()), ("key", KEY), ("count", pa.int64()), ("fetched_at", pa.string()), ("doc_id", pa.string()), ("index", pa.int32()),
     ("place", pa.uint64())]
)  # fmt: skip  # the last four: the oldest copy
_FLAGS = pa.schema([("kind", pa.int8()), ("key", KEY), ("doc_id", pa.string()), ("index", pa.int32()), ("place", pa.uint64())])
NODE_VERDICTS = pa.schema(
    [("row", pa.int32()), ("index", pa.int32()), ("kind", pa.int8()), ("image_id", pa.string()), ("reason", pa.string()),
     ("duplicate_of", pa.string())]
)  # fmt: skip
SETS = pa.schema([("row", pa.int32()), ("key", KEY)])
BEFORE = ("captures", "texts", "near_earlier", "near")


def alive_nodes(work: Work, unit: str) -> pa.Table:
    """The nodes (with a key) of documents alive so far."""
    rows = work.documents(unit, ["row"], BEFORE)["row"].to_numpy()
    nodes = work.read("nodes", unit)
    return nodes.filter(pa.array(np.isin(nodes["row"].to_numpy(), rows) & pc.is_valid(nodes["key"]).to_numpy(zero_copy_only=False)))


@dataclass(frozen=True)
class Repeats:
    work: Work
    parts: int = 1  # among which the keys are dealt out; more than there are buckets, as there are more nodes than documents

    def send(self, source: str) -> Sent:
        nodes = alive_nodes(self.work, source)
        documents = self.work.read("documents", source)
        row = nodes["row"].to_numpy()
        time = ranks(documents["fetched_at"])[row]
        ids = ranks(documents["doc_id"])[row]
        key, kind, index = of_column(nodes["key"]), nodes["kind"].to_numpy(), nodes["index"].to_numpy()
        order, starts = _groups(kind, key, (index, row, ids, time))
        first = order[starts]
        mine = documents.take(pa.array(row[first]))
        table = pa.table(
            [kind[first], to_column(key[first]), np.diff(np.append(starts, len(order))), mine["fetched_at"], mine["doc_id"], index[first],
             self.work.places(source, row[first])],
            schema=_SEEN,
        )  # fmt: skip
        return split(table, part_of(key[first][:, 1], self.parts), [f"{i:05d}" for i in range(self.parts)])

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        s = self.work.settings
        seen = from_bytes(parts)
        key, kind, place = of_column(seen["key"]), seen["kind"].to_numpy(), seen["place"].to_numpy()
        ids, time = key_array(seen["doc_id"]), ranks(seen["fetched_at"])
        order, starts = _groups(kind, key, (seen["index"].to_numpy(), place, ids[:, 1], ids[:, 0], time))
        if not len(order):
            return
        total = np.add.reduceat(seen["count"].to_numpy()[order], starts)
        of_kind = kind[order[starts]]
        flagged = np.where(
            of_kind == PARAGRAPH,
            (total >= s.paragraph_repeats) & (s.paragraph_repeats > 0),
            (total > s.image_url_max) & (s.image_url_max > 0),
        )
        sizes = np.diff(np.append(starts, len(order)))
        rows, first = order[np.repeat(flagged, sizes)], np.repeat(order[starts], sizes)[np.repeat(flagged, sizes)]
        keep = seen.take(pa.array(first))
        table = pa.table([kind[rows], to_column(key[rows]), keep["doc_id"], keep["index"], keep["place"]], schema=_FLAGS)
        yield from self.work.to_units(table, place[rows])

    def receive(self, unit: str, parts: list[bytes]) -> None:
        self.work.write("flags", unit, from_bytes(parts))


def _groups(
    kind: NDArray[np.int8], key: NDArray[np.uint64], tie: tuple[NDArray[np.generic], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(order, starts) of the groups of equal (kind, key); within a group by `tie`, last most significant."""
    order = np.lexsort((*tie, key[:, 1], key[:, 0], kind))
    if not len(order):
        return order, order
    k, t = key[order], kind[order]
    return order, np.flatnonzero(np.concatenate([[True], (k[1:] != k[:-1]).any(axis=1) | (t[1:] != t[:-1])]))


def settle_nodes(work: Work, unit: str) -> None:
    """Write the unit's node verdicts, the documents they empty, and the image sets of the others."""
    s = work.settings
    nodes = alive_nodes(work, unit)
    documents = work.read("documents", unit)
    kind, row, index, key = nodes["kind"].to_numpy(), nodes["row"].to_numpy(), nodes["index"].to_numpy(), of_column(nodes["key"])
    flags = work.read("flags", unit, _FLAGS)
    flag_of = {(k, bytes(b)): i for i, (k, b) in enumerate(zip(flags["kind"].to_pylist(), flags["key"].to_pylist(), strict=True))}
    at = np.array([flag_of.get(p, -1) for p in zip(kind.tolist(), nodes["key"].to_pylist(), strict=True)], np.int64)
    place = work.places(unit, row)
    is_first = np.zeros(len(at), bool)
    if len(flags):
        is_first = (at >= 0) & (flags["place"].to_numpy()[at] == place) & (flags["index"].to_numpy()[at] == index)
    reason = np.full(len(at), "", object)
    of = np.full(len(at), "", object)
    frequent, repeated = (at >= 0) & (kind == PICTURE), (at >= 0) & (kind == PARAGRAPH)
    if s.paragraph_keep_first:
        repeated &= ~is_first
    reason[frequent], reason[repeated] = str(Reason.IMAGE_URL_FREQUENT), str(Reason.PARAGRAPH_REPEATED)
    if len(flags):
        of[repeated] = np.array(flags["doc_id"].to_pylist(), object)[at[repeated]] if s.paragraph_keep_first else ""
    if s.image_in_document:
        pictures = np.flatnonzero((kind == PICTURE) & (reason == ""))
        order = pictures[np.lexsort((index[pictures], key[pictures, 1], key[pictures, 0], row[pictures]))]
        again = np.zeros(len(order), bool)
        again[1:] = (row[order[1:]] == row[order[:-1]]) & (key[order[1:]] == key[order[:-1]]).all(axis=1)
        reason[order[again]] = str(Reason.IMAGE_IN_DOCUMENT)
        of[order[again]] = np.array(documents["doc_id"].to_pylist(), object)[row[order[again]]]
    gone = reason != ""
    columns = [row[gone], index[gone], kind[gone], nodes["image_id"].filter(pa.array(gone)), pa.array(list(reason[gone]), pa.string()),
               pa.array(list(of[gone]), pa.string())]  # fmt: skip
    work.write("node_verdicts", unit, pa.table(columns, schema=NODE_VERDICTS))
    emptied = _emptied(work, unit, len(documents), row, kind, gone)
    left = ~gone & (kind == PICTURE) & ~np.isin(row, emptied)
    work.write("sets", unit, _sets(row[left], key[left], s.image_set_min))


def _emptied(
    work: Work, unit: str, count: int, row: NDArray[np.int32], kind: NDArray[np.int8], gone: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Documents that had text (or an image) and have lost the last of it; written as verdicts."""
    lost = {}
    for k, reason in ((PARAGRAPH, Reason.NO_TEXT), (PICTURE, Reason.NO_IMAGE)):
        had = np.bincount(row[kind == k], minlength=count)
        has = np.bincount(row[(kind == k) & ~gone], minlength=count)
        lost[reason] = (had > 0) & (has == 0)
    rows = np.flatnonzero(lost[Reason.NO_TEXT] | lost[Reason.NO_IMAGE]) if work.settings.drop_emptied else np.zeros(0, np.int64)
    reasons = [Reason.NO_TEXT if lost[Reason.NO_TEXT][r] else Reason.NO_IMAGE for r in rows]
    work.write("emptied", unit, verdicts(work.places(unit, rows), reasons, [""] * len(rows)))
    return rows


def _sets(row: NDArray[np.int32], key: NDArray[np.uint64], least: int) -> pa.Table:
    """One key per document: BLAKE2b-128 of its distinct image keys, sorted."""
    order = np.lexsort((key[:, 1], key[:, 0], row))
    row, key = row[order], key[order]
    if len(row):
        fresh = np.concatenate([[True], (row[1:] != row[:-1]) | (key[1:] != key[:-1]).any(axis=1)])
        row, key = row[fresh], key[fresh]
    rows, starts = np.unique(row, return_index=True)
    bounds = np.append(starts, len(row))
    raw = key.astype(">u8").tobytes()
    some = np.diff(bounds) >= least
    digests = [hashlib.blake2b(raw[16 * bounds[i] : 16 * bounds[i + 1]], digest_size=16).digest() for i in np.flatnonzero(some)]
    return pa.table([rows[some].astype(np.int32), pa.array(digests, KEY)], schema=SETS)
