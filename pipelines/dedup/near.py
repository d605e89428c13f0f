"""Passes of near-duplicate search: bands to candidate pairs, pairs to verified edges, labels to elected representatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.dedup import bands, jaccard
from pipelines.dedup.elect import ranks, winners
from pipelines.dedup.elections import quality, verdicts
from pipelines.dedup.keys import fixed, from_bytes, key_array
from pipelines.dedup.minhash import band_keys
from pipelines.dedup.work import NO_TWIN, PLACE, Sent, Work
from pipelines.stage import PartWriter
from schemas.reasons import Reason
from schemas.tables import schema

BANDS = pa.schema([("band", pa.uint64()), ("id", pa.uint64()), ("place", pa.uint64())])
PAIRS = pa.schema([("a", pa.uint64()), ("b", pa.uint64())])
EDGES = pa.schema([("a", pa.uint64()), ("b", pa.uint64()), ("similarity", pa.float64())])
LABELS = pa.schema([("node", pa.uint64()), ("label", pa.uint64())])
_MEMBERS = pa.schema(
    [("label", pa.uint64()), ("place", pa.uint64()), ("doc_id", pa.string()), ("fetched_at", pa.string()), ("quality", pa.float64()),
     ("other", pa.uint64()), ("other_id", pa.string()), ("similarity", pa.float64())]
)  # fmt: skip  # a member, or (other != NO_TWIN) an edge of the cluster

BEFORE = ("captures", "texts", "near_earlier")


def signatures(work: Work, unit: str, after: tuple[str, ...]) -> tuple[NDArray[np.uint32], pa.ChunkedArray, NDArray[np.uint64]]:
    """(signatures, doc_ids, places) of the unit's documents that have one and are alive after `after`."""
    table = work.documents(unit, ["row", "doc_id", "signature"], after)
    table = table.filter(pc.is_valid(table["signature"]))
    hashes = work.settings.bands * work.settings.rows
    signature = fixed(table["signature"], 4 * hashes).view("<u4") if len(table) else np.zeros((0, hashes), np.uint32)
    return signature, table["doc_id"], work.places(unit, table["row"].to_numpy())


@dataclass(frozen=True)
class Candidates:
    """LSH: equal bands meet in a bucket; distinct candidate pairs go to the unit of their first document and are verified there."""

    work: Work

    def send(self, source: str) -> Sent:
        s = self.work.settings
        signature, ids, place = signatures(self.work, source, BEFORE)
        keys = band_keys(signature, s.bands, s.rows).reshape(-1)
        ids_high = np.repeat(key_array(ids)[:, 0], s.bands)
        table = pa.table([keys, ids_high, np.repeat(place, s.bands)], schema=BANDS)
        return self.work.to_buckets(table, keys)

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        s = self.work.settings
        table = from_bytes(parts)
        a, b, _ = bands.candidates(
            table["band"].to_numpy(), table["id"].to_numpy(), table["place"].to_numpy(), s.bucket_all_pairs, s.bucket_leaders
        )
        return self.work.to_units(pa.table([a, b], schema=PAIRS), a)

    def receive(self, unit: str, parts: list[bytes]) -> None:
        table = from_bytes(parts)
        a, b = bands.distinct(table["a"].to_numpy(), table["b"].to_numpy())
        similarity = true_jaccard(self.work, a, b)
        edge = similarity >= self.work.settings.threshold
        self.work.write("edges", unit, pa.table([a[edge], b[edge], similarity[edge]], schema=EDGES))


def true_jaccard(work: Work, a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.float64]:
    return jaccard.pairwise(a, b, lambda unit, rows: jaccard.read(work.shingles(work.units[unit]), rows))


@dataclass(frozen=True)
class Representatives:
    """Members and edges of a cluster meet in a bucket; it elects, writes both tables and tells the units."""

    work: Work
    writer: PartWriter

    def send(self, source: str) -> Sent:
        labels = self.work.read("labels", source, LABELS)
        node, label = labels["node"].to_numpy(), labels["label"].to_numpy()
        documents = self.work.read("documents", source).select(["doc_id", "fetched_at"])
        row = (node & np.uint64(0xFFFFFFFF)).astype(np.int64)
        mine = documents.take(pa.array(row))
        n = len(node)
        members = pa.table(
            [label, node, mine["doc_id"], mine["fetched_at"], pa.array(quality(self.work, source)[row]), np.full(n, NO_TWIN, np.uint64),
             pa.array([""] * n, pa.string()), np.zeros(n)],
            schema=_MEMBERS,
        )  # fmt: skip
        edges = self.work.read("edges", source, EDGES)
        a = edges["a"].to_numpy()
        order = np.argsort(node)
        of_edge = label[order][np.searchsorted(node[order], a)] if len(a) else a
        nothing = pa.array([""] * len(a), pa.string())
        links = pa.table([of_edge, a, nothing, nothing, np.zeros(len(a)), edges["b"], nothing, edges["similarity"]], schema=_MEMBERS)
        both = pa.concat_tables([members, links])
        key = both["label"].to_numpy()
        return self.work.to_buckets(both, (key ^ (key >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20))

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        is_edge = table["other"].to_numpy() != NO_TWIN
        members, links = table.filter(pa.array(~is_edge)), table.filter(pa.array(is_edge))
        label, place, doc_id = members["label"].to_numpy(), members["place"].to_numpy(), np.array(members["doc_id"].to_pylist(), object)
        ids = key_array(members["doc_id"])
        zero = np.zeros(len(place))
        smallest = winners(label, zero, zero.astype(np.int64), ids, place)
        cluster = doc_id[smallest]  # a cluster is called after its smallest doc_id, whoever represents it
        best = winners(label, members["quality"].to_numpy(), ranks(members["fetched_at"]), ids, place)
        represents = best == np.arange(len(place))
        self._write(name, members, links, cluster, represents)
        reason = np.where(represents, "", str(Reason.DUPLICATE_NEAR))
        of = np.where(represents, "", doc_id[best])
        similarity = _of_edges(links, place, place[best])
        return self.work.to_units(verdicts(place, reason, of, similarity, list(cluster), place[best]), place)

    def _write(self, name: str, members: pa.Table, links: pa.Table, cluster: NDArray[np.object_], represents: NDArray[np.bool_]) -> None:
        doc_id = members["doc_id"].to_pylist()
        name_of = dict(zip(members["place"].to_pylist(), doc_id, strict=True))
        pairs = zip(links["place"].to_pylist(), links["other"].to_pylist(), links["similarity"].to_pylist(), strict=True)
        edges = sorted((*sorted((name_of[a], name_of[b])), s) for a, b, s in pairs)
        rows = sorted(
            zip(cluster, doc_id, represents.tolist(), members["quality"].to_pylist(), members["fetched_at"].to_pylist(), strict=True)
        )
        tables = {
            "clusters": pa.Table.from_arrays([pa.array(c) for c in zip(*rows, strict=True)], schema=schema("clusters")),
            "edges": pa.Table.from_arrays([pa.array(c) for c in zip(*edges, strict=True)], schema=schema("edges")),
        }
        self.writer.commit("bucket", name, tables)

    def receive(self, unit: str, parts: list[bytes]) -> None:
        """Members without a direct edge to their representative get their similarity to it now."""
        table = from_bytes(parts).sort_by("row")
        similarity, twin = table["similarity"].to_numpy(zero_copy_only=False).copy(), table["twin"].to_numpy()
        place = self.work.places(unit, table["row"].to_numpy())
        missing = np.isnan(similarity) & (place != twin)
        similarity[missing] = true_jaccard(self.work, place[missing], twin[missing])
        column = pa.array(similarity, pa.float64(), mask=np.isnan(similarity))
        self.work.write("near", unit, table.set_column(table.schema.get_field_index("similarity"), "similarity", column))


def _of_edges(links: pa.Table, a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Similarity of the edge between a[i] and b[i], NaN if there is none."""
    known = {
        frozenset(p): s
        for *p, s in zip(links["place"].to_pylist(), links["other"].to_pylist(), links["similarity"].to_pylist(), strict=True)
    }
    return np.array([known.get(frozenset(p), np.nan) for p in zip(a.tolist(), b.tolist(), strict=True)], np.float64)


def label_units(work: Work, node: NDArray[np.uint64], label: NDArray[np.uint64]) -> None:
    """Give each unit the labels of its documents (`components.local`)."""
    bounds = np.searchsorted(node >> PLACE, np.arange(len(work.units) + 1, dtype=np.uint64))
    for i, unit in enumerate(work.units):
        part = slice(bounds[i], bounds[i + 1])
        work.write("labels", unit, pa.table([node[part], label[part]], schema=LABELS))


def all_edges(work: Work) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    tables = [work.read("edges", u, EDGES) for u in work.units]
    a = [t["a"].to_numpy() for t in tables]
    b = [t["b"].to_numpy() for t in tables]
    return np.concatenate([np.zeros(0, np.uint64), *a]), np.concatenate([np.zeros(0, np.uint64), *b])
