"""A run's tables beside the truth of the demo web it was made from, and how a kind of decision is scored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from audit.run import Run, RunError
from demo.web import DemoWeb

FLOOR = 0.95
FLOORS = {"duplicate.near": (0.99, 0.97), "image_copies": (0.99, 0.95)}  # (precision, recall); all others (0.95, 0.95)


@dataclass(frozen=True)
class Score:
    """One kind of decision. `hits` right of `decided`, `found` of `there` (they differ where one decision settles several)."""

    kind: str
    hits: int
    decided: int
    found: int
    there: int
    precision: float
    recall: float
    floor_precision: float
    floor_recall: float
    note: str = ""

    @property
    def ok(self) -> bool:
        return self.there > 0 and self.precision >= self.floor_precision and self.recall >= self.floor_recall


def score(kind: str, hits: int, decided: int, found: int, there: int, note: str = "") -> Score:
    """Precision = hits / decided (1 if nothing was decided), recall = found / there."""
    p, r = FLOORS.get(kind, (FLOOR, FLOOR))
    return Score(kind, hits, decided, found, there, hits / decided if decided else 1.0, found / there if there else 1.0, p, r, note)


def score_sets(kind: str, decided: set[Any], true: set[Any], note: str = "") -> Score:
    hits = len(decided & true)
    return score(kind, hits, len(decided), hits, len(true), note)


class Tables:
    """A run's tables beside the truth. Rows are joined by (URL, capture date), by (unit, row) and by image URL."""

    def __init__(self, run: Run, web: DemoWeb) -> None:
        import pyarrow.parquet as pq

        self.run = run
        self.pages = {(p["url"], p["fetched_at"]): p for p in pq.read_table(web.pages_truth).to_pylist()}
        self.images = pq.read_table(web.images_truth).to_pylist()
        self.image = {(i["page_url"], i["fetched_at"], i["url"]): i for i in self.images}
        self.by_url = {i["url"]: i for i in self.images}
        self.documents = {}  # (unit, row) -> the truth of the page
        self.by_doc: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.seen: list[tuple[dict[str, Any], dict[str, Any]]] = []  # (row of document_measures, truth)
        columns = ["doc_id", "url", "fetched_at", "unit", "record", "row", "language", "kept", "first_reason", "reasons"]
        self.records: dict[tuple[str, int], dict[str, Any]] = {}
        for row in self.rows("extract", "document_measures", columns):
            page = self.pages.get((row["url"], row["fetched_at"]))
            if page is None:
                where = f"{row['url']} of {row['fetched_at']}"
                raise RunError(f"the run holds {where}, which the demo web does not: is it a run of another web?")
            self.seen.append((row, page))
            self.records[(row["unit"], row["record"])] = page
            self.by_doc[row["doc_id"]].append(page)
            if row["row"] >= 0:
                self.documents[(row["unit"], row["row"])] = page

        # what select says of each image node and of each image
        self.url_of = {row["image_id"]: row["url"] for row in self.rows("score", "images", ["image_id", "url"])}
        self.verdicts: dict[tuple[str, int, int], list[str]] = {}
        self.reasons_of_image: dict[str, list[str]] = {}
        for row in self.rows("select", "verdicts", ["unit", "row", "index", "image_id", "reasons"]):
            self.verdicts[(row["unit"], row["row"], row["index"])] = row["reasons"]
            self.reasons_of_image.setdefault(row["image_id"], []).extend(row["reasons"] or ())

    def rows(self, stage: str, table: str, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
        """Rows of a stage's table; none if the stage has not run or writes no such table."""
        import pyarrow.parquet as pq

        if stage not in self.run.stages:
            return
        for path in self.run.stage_table(stage, table):
            yield from pq.read_table(path, columns=columns).to_pylist()
