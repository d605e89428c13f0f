"""What can only be said over a whole run: which pictures occur too often, and where the kept share is cut.

One process, over columns: an image node takes some 300 bytes while its copies are counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pipelines.dedup.images import group_copies, semantic_duplicates, surplus
from pipelines.images import alike, fraction
from pipelines.images.choose import candidate, key_of
from pipelines.settings.select import SelectSettings
from schemas.reasons import Reason

COPIES = pa.schema([("row", pa.int32()), ("index", pa.int32()), ("of", pa.string()), ("reason", pa.string())])


class Run:
    """Collects the image nodes that passed what is judged per unit, then settles the rest."""

    def __init__(self, settings: SelectSettings):
        self.s = settings
        self.columns: dict[str, list[object]] = {
            k: [] for k in ("unit", "row", "index", "doc_id", "image_id", "language", "sha256", "pdq", "quality", "similarity", "shadow")
        }
        self._gone: np.ndarray | None = None

    def add(self, unit: str, judged: pa.Table) -> None:
        """Rows of a unit (choose.JUDGED)."""
        keep = [
            candidate(b, r, self.s.combine) for b, r in zip(judged["base"].to_pylist(), judged["image_reasons"].to_pylist(), strict=True)
        ]
        chosen = judged.filter(pa.array(keep, pa.bool_()))
        for name, column in self.columns.items():
            column.extend([unit] * chosen.num_rows if name == "unit" else chosen[name].to_pylist())

    def _ids(self) -> list[str]:
        """Ranks that order copies the same way whatever the units: by document and place."""
        return [key_of(d, i) for d, i in zip(self.columns["doc_id"], self.columns["index"], strict=True)]  # type: ignore[arg-type]

    def _settled(self) -> tuple[np.ndarray, np.ndarray]:
        n = len(self.columns["unit"])
        if not self.s.copies_max or not n:
            return np.zeros(n, bool), np.arange(n)
        c = self.columns
        labels = group_copies(c["sha256"], c["pdq"], c["quality"], self.s.copies_distance)  # type: ignore[arg-type]
        return surplus(labels, self._ids(), self.s.copies_max, self.s.copies_keep), labels

    def copies(self) -> Mapping[str, pa.Table]:
        """Per unit the image nodes that go because their picture occurs too often, and the first image it is a copy of."""
        gone, labels = self._settled()
        self._gone = gone
        ids = self._ids()
        leader: dict[int, int] = {}
        for i in sorted(np.flatnonzero(np.isin(labels, labels[gone])).tolist(), key=lambda i: ids[i]):
            leader.setdefault(int(labels[i]), i)
        rows: dict[str, list[dict[str, object]]] = {}
        c = self.columns
        for i in np.flatnonzero(gone).tolist():
            of = c["image_id"][leader[int(labels[i])]]
            rows.setdefault(str(c["unit"][i]), []).append(
                {"row": c["row"][i], "index": c["index"][i], "of": of, "reason": str(Reason.IMAGE_COPIES)}
            )
        return {unit: pa.Table.from_pylist(found, COPIES) for unit, found in rows.items()}

    def semantic(self, vectors: Mapping[str, np.ndarray]) -> Mapping[str, pa.Table]:
        """Per unit the image nodes that go because their picture means the same as one that stays (SemDeDup over distinct pictures still
        there after copies), and that picture. `vectors`: by image id; images without one stay."""
        assert self.s.semantic_distance is not None and self._gone is not None
        c = self.columns
        first: dict[str, int] = {}  # a picture's bytes -> its first place; equal files are `copies`' business
        for i in sorted(range(len(c["unit"])), key=lambda i: str(c["image_id"][i])):
            if not self._gone[i] and c["image_id"][i] in vectors:
                first.setdefault(str(c["sha256"][i]), i)
        names = sorted(first)
        if not names:
            return {}
        ids = [str(c["image_id"][first[n]]) for n in names]
        goes, twin = semantic_duplicates(np.stack([vectors[i] for i in ids]), ids, self.s.semantic_distance)
        of = {n: ids[int(t)] for n, g, t in zip(names, goes, twin, strict=True) if g}
        rows: dict[str, list[dict[str, object]]] = {}
        for i in range(len(c["unit"])):
            if not self._gone[i] and c["sha256"][i] in of:
                self._gone[i] = True
                row = {"row": c["row"][i], "index": c["index"][i], "of": of[str(c["sha256"][i])], "reason": str(Reason.IMAGE_SEMANTIC)}
                rows.setdefault(str(c["unit"][i]), []).append(row)
        return {unit: pa.Table.from_pylist(found, COPIES) for unit, found in rows.items()}

    def unlike(self, vectors: Mapping[str, np.ndarray], reference: np.ndarray) -> Mapping[str, pa.Table]:
        """Per unit the image nodes that go because no reference picture falls into their picture's cluster (DataComp). Over distinct
        pictures still there; images without a vector stay. It takes nothing from `cuts`: DataComp's best baseline intersects the two."""
        assert self._gone is not None
        c = self.columns
        first: dict[str, str] = {}
        for i in sorted(range(len(c["unit"])), key=lambda i: str(c["image_id"][i])):
            if not self._gone[i] and c["image_id"][i] in vectors:
                first.setdefault(str(c["sha256"][i]), str(c["image_id"][i]))
        names = sorted(first)
        if not names:
            return {}
        goes = alike.unlike(np.stack([vectors[first[n]] for n in names]), names, reference, self.s.clusters)
        lost = {n for n, g in zip(names, goes, strict=True) if g}
        rows: dict[str, list[dict[str, object]]] = {}
        for i in range(len(c["unit"])):
            if not self._gone[i] and c["sha256"][i] in lost:
                row = {"row": c["row"][i], "index": c["index"][i], "of": "", "reason": str(Reason.IMAGE_CLUSTER)}
                rows.setdefault(str(c["unit"][i]), []).append(row)
        return {unit: pa.Table.from_pylist(found, COPIES) for unit, found in rows.items()}

    def cuts(self) -> dict[str, fraction.Cut]:
        """The cuts of the kept share over the pairs still there; {} without one. Pairs that are only a sample of rejects do not count."""
        if self.s.keep_fraction is None:
            return {}
        if self._gone is None:
            self.copies()
        c, ids = self.columns, self._ids()
        rows = [
            i for i, (x, shadow) in enumerate(zip(c["similarity"], c["shadow"], strict=True))
            if x is not None and not shadow and not self._gone[i]  # type: ignore[index]
        ]  # fmt: skip
        return fraction.cuts(
            [c["similarity"][i] for i in rows], [ids[i] for i in rows], [c["language"][i] for i in rows],  # type: ignore[misc]
            self.s.keep_fraction, self.s.keep_per_language,
        )  # fmt: skip
