"""The pass that finds near-duplicates of documents in the dedup index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.dedup import index
from pipelines.dedup.elections import verdicts
from pipelines.dedup.keys import from_bytes
from pipelines.dedup.minhash import band_keys, estimate
from pipelines.dedup.near import signatures
from pipelines.dedup.work import Sent, Work
from schemas.reasons import Reason

_BANDS = pa.schema([("band", pa.uint64()), ("place", pa.uint64())])
_MATCHES = pa.schema([("place", pa.uint64()), ("segment", pa.int32()), ("position", pa.int64())])
_BLOCK = 8_192  # candidate pairs looked up at once


@dataclass(frozen=True)
class NearEarlier:
    work: Work

    def send(self, source: str) -> Sent:
        s = self.work.settings
        signature, _, place = signatures(self.work, source, ("captures", "texts"))
        keys = band_keys(signature, s.bands, s.rows).reshape(-1)
        return self.work.to_buckets(pa.table([keys, np.repeat(place, s.bands)], schema=_BANDS), keys)

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        mine = from_bytes(parts)
        for segment, found in index.band_matches(self.work, name, mine["band"].to_numpy(), mine["place"].to_numpy()):
            if len(found):
                rows = pa.table([found["place"], np.full(len(found), segment, np.int32), found["position"]], schema=_MATCHES)
                yield from self.work.to_units(rows, found["place"].to_numpy())

    def receive(self, unit: str, parts: list[bytes]) -> None:
        table = from_bytes(parts).group_by(["place", "segment", "position"]).aggregate([])
        best: dict[int, tuple[float, str]] = {}
        for place, similarity, doc_id in self._compared(unit, table.sort_by([("segment", "ascending"), ("position", "ascending")])):
            if similarity >= self.work.settings.threshold and (
                place not in best or (-similarity, doc_id) < (-best[place][0], best[place][1])
            ):
                best[place] = (similarity, doc_id)
        places = np.array(sorted(best), np.uint64)
        found = [best[int(p)] for p in places]
        table = verdicts(places, [Reason.DUPLICATE_EARLIER] * len(places), [d for _, d in found], [s for s, _ in found])
        self.work.write("near_earlier", unit, table)

    def _compared(self, unit: str, pairs: pa.Table) -> Iterator[tuple[int, float, str]]:
        known = index.open_index(self.work.settings.index, self.work.settings)
        signature, _, mine = signatures(self.work, unit, ("captures", "texts"))
        for begin in range(0, len(pairs), _BLOCK):
            block = pairs.slice(begin, _BLOCK)
            for number in np.unique(block["segment"].to_numpy()):
                part = block.filter(pa.array(block["segment"].to_numpy() == number))
                positions, at = np.unique(part["position"].to_numpy(), return_inverse=True)
                theirs, ids, runs = index.signatures_at(known, int(number), positions)
                place = part["place"].to_numpy()
                similarity = estimate(signature[np.searchsorted(mine, place)], theirs[at])
                hidden = np.isin(runs, np.array([*known.segments[number].removed, self.work.run], object))[at]
                for i in np.flatnonzero(~hidden):
                    yield int(place[i]), float(similarity[i]), ids[at[i]]
