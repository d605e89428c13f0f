"""Passes that group documents by one key and keep one of each group: same record, same URL, same text, same images.

Rows travel as (key, doc_id, fetched_at, quality, place): about 100 bytes a document.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.dedup import index
from pipelines.dedup.elect import ranks, winners
from pipelines.dedup.keys import KEY, from_bytes, key_array, of_column
from pipelines.dedup.work import NO_TWIN, VERDICTS, Sent, Work, rows_of
from schemas.reasons import Reason

_ROWS = pa.schema([("key", KEY), ("doc_id", pa.string()), ("fetched_at", pa.string()), ("quality", pa.float64()), ("place", pa.uint64())])


def rows(work: Work, unit: str, key: str, after: Iterable[str]) -> pa.Table:
    """What a unit sends: its documents alive after the passes `after` that have the key."""
    table = work.documents(unit, ["row", "doc_id", key, "fetched_at"], after)
    table = table.filter(pc.is_valid(table[key]))
    row = table["row"].to_numpy()
    return pa.table(
        [table[key], table["doc_id"], table["fetched_at"], pa.array(quality(work, unit)[row]), work.places(unit, row)], schema=_ROWS
    )


def quality(work: Work, unit: str) -> NDArray[np.float64]:
    """Of each document of the unit; 0 without a quality measure or a value."""
    out = np.zeros(len(work.read("documents", unit)))
    name = work.settings.quality_measure
    table = work.extract.read("document_measures", unit, ["row", name]) if name else None
    if table is not None:
        row, value = table["row"].to_numpy(), pc.fill_null(table[name].cast(pa.float64()), 0.0).to_numpy()
        out[row[row >= 0]] = value[row >= 0]
    return out


def verdicts(
    place: NDArray[np.uint64], reason: Iterable[str], of: Iterable[Any], similarity: Any = None, cluster: Any = None, twin: Any = None
) -> pa.Table:
    n = len(place)
    return pa.table(
        [
            rows_of(place),
            pa.array(list(reason), pa.string()),
            pa.array(list(of), pa.string()),
            pa.array(similarity if similarity is not None else [None] * n, pa.float64()),
            pa.array(cluster if cluster is not None else [""] * n, pa.string()),
            pa.array(twin if twin is not None else np.full(n, NO_TWIN, np.uint64), pa.uint64()),
        ],
        schema=VERDICTS,
    )


@dataclass(frozen=True)
class _Election:
    """What the elections share: the losers' verdicts go to their units, into a file of the pass's name."""

    work: Work
    name: ClassVar[str]

    def receive(self, unit: str, parts: list[bytes]) -> None:
        self.work.write(self.name, unit, from_bytes(parts))


@dataclass(frozen=True)
class Captures(_Election):
    """Of equal doc_ids (one capture read twice) the first place stays; of captures of one URL the newest."""

    name: ClassVar[str] = "captures"

    def send(self, source: str) -> Sent:
        table = rows(self.work, source, "url_key", ())
        return self.work.to_buckets(table, of_column(table["key"])[:, 1])

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        key, ids, place = of_column(table["key"]), key_array(table["doc_id"]), table["place"].to_numpy()
        zero = np.zeros(len(place))
        first = winners(np.hstack([key, ids]), zero, zero.astype(np.int64), ids, place)
        again = first != np.arange(len(place))
        out, places = [_lost(table, place, first, again, Reason.DUPLICATE_RECORD, 1.0)], [place[again]]
        table, key, ids, place = table.filter(pa.array(~again)), key[~again], ids[~again], place[~again]
        known = index.known(self.work, "url", name, key)
        gone = np.array([k is not None for k in known], bool)
        out.append(verdicts(place[gone], [Reason.DUPLICATE_EARLIER] * int(gone.sum()), [k for k in known if k is not None]))
        places.append(place[gone])
        if self.work.settings.url:
            table, key, ids, place = table.filter(pa.array(~gone)), key[~gone], ids[~gone], place[~gone]
            best = winners(key, np.zeros(len(place)), ranks(table["fetched_at"]), ids, place)
            lost = best != np.arange(len(place))
            out.append(_lost(table, place, best, lost, Reason.DUPLICATE_URL))
            places.append(place[lost])
        return self.work.to_units(pa.concat_tables(out), np.concatenate(places))


@dataclass(frozen=True)
class SameText(_Election):
    """Of documents with exactly the same text the representative stays."""

    name: ClassVar[str] = "texts"

    def send(self, source: str) -> Sent:
        table = rows(self.work, source, "text_key", ("captures",))
        return self.work.to_buckets(table, of_column(table["key"])[:, 1])

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        key, place = of_column(table["key"]), table["place"].to_numpy()
        known = index.known(self.work, "text", name, key)
        gone = np.array([k is not None for k in known], bool)
        n = int(gone.sum())
        out = [verdicts(place[gone], [Reason.DUPLICATE_EARLIER] * n, [k for k in known if k is not None], np.ones(n))]
        places = [place[gone]]
        if self.work.settings.text:
            table, key, place = table.filter(pa.array(~gone)), key[~gone], place[~gone]
            ids = key_array(table["doc_id"])
            best = winners(key, table["quality"].to_numpy(), ranks(table["fetched_at"]), ids, place)
            lost = best != np.arange(len(place))
            out.append(_lost(table, place, best, lost, Reason.DUPLICATE_TEXT, 1.0))
            places.append(place[lost])
        return self.work.to_units(pa.concat_tables(out), np.concatenate(places))


@dataclass(frozen=True)
class SameImages(_Election):
    """Of documents with the same set of image URLs the newest stays. Its key is made by `repeats.settle_nodes`."""

    name: ClassVar[str] = "image_sets"
    after: ClassVar[tuple[str, ...]] = ("captures", "texts", "near_earlier", "near", "emptied")

    def send(self, source: str) -> Sent:
        sets = self.work.read("sets", source)
        alive = self.work.documents(source, ["row", "doc_id", "fetched_at"], self.after)
        position = np.full(int(max([*sets["row"].to_numpy(), -1])) + 1, -1)
        position[sets["row"].to_numpy()] = np.arange(len(sets))
        row = alive["row"].to_numpy()
        row_in = row < len(position)
        has = np.zeros(len(row), bool)
        has[row_in] = position[row[row_in]] >= 0
        alive, row = alive.filter(pa.array(has)), row[has]
        key = sets["key"].take(pa.array(position[row]))
        table = pa.table([key, alive["doc_id"], alive["fetched_at"], np.zeros(len(row)), self.work.places(source, row)], schema=_ROWS)
        return self.work.to_buckets(table, of_column(table["key"])[:, 1])

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        place = table["place"].to_numpy()
        ids = key_array(table["doc_id"])
        best = winners(of_column(table["key"]), table["quality"].to_numpy(), ranks(table["fetched_at"]), ids, place)
        lost = best != np.arange(len(place))
        return self.work.to_units(_lost(table, place, best, lost, Reason.DUPLICATE_IMAGES), place[lost])


def _lost(
    table: pa.Table,
    place: NDArray[np.uint64],
    best: NDArray[np.int64],
    lost: NDArray[np.bool_],
    reason: Reason,
    similarity: float | None = None,
) -> pa.Table:
    of = table["doc_id"].take(pa.array(best[lost])).to_pylist()
    return verdicts(place[lost], [reason] * len(of), of, [similarity] * len(of))
