"""What can only be said over a whole run: which pictures occur too often, and where the kept share is cut.

One process, over columns: an image node takes some 300 bytes while its copies are counted.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from pipelines.dedup.images import group_copies, surplus
from pipelines.images import fraction
from pipelines.images.choose import candidate, key_of
from pipelines.settings.select import SelectSettings

COPIES = pa.schema([("row", pa.int32()), ("index", pa.int32()), ("of", pa.string())])


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
            rows.setdefault(str(c["unit"][i]), []).append({"row": c["row"][i], "index": c["index"][i], "of": of})
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
