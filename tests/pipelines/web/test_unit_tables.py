"""Tables of a unit: nodes and the measures beside them stay together, whatever the row groups."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.web import unit_tables
from pipelines.web.unit_tables import UnitTables

MEASURES = ("image.a", "paragraph.b")


def page(first: int, n: int):
    """Columns of n nodes numbered from `first`, and measures that tell which is whose."""
    number = list(range(first, first + n))
    text = ["x"] * n
    columns = (text, text, number, number, text, text, text, text, number, [True] * n, [True] * n, text, [[]] * n, [[]] * n, text)
    return columns, np.array([[float(i) for i in number], [np.nan if i % 3 else -float(i) for i in number]])


def test_measures_stay_with_their_nodes(tmp_path, monkeypatch):
    monkeypatch.setitem(unit_tables.FLUSH_ROWS, "nodes", 10)
    with UnitTables(str(tmp_path), "00000", (), MEASURES) as tables:
        at = 0
        for n in (3, 25, 1, 10, 4):
            tables.add_nodes(*page(at, n))
            at += n
    ((name, part),) = tables.written()
    rows = pq.read_table(tmp_path / part.path).to_pylist()
    assert name == "nodes" and pq.ParquetFile(tmp_path / part.path).num_row_groups == 5
    assert [r["index"] for r in rows] == list(range(43)) == [r["image.a"] for r in rows]
    assert [r["paragraph.b"] for r in rows] == [None if i % 3 else -i for i in range(43)]


@pytest.mark.parametrize("wrong", ["columns", "measures", "nodes of measures"])
def test_what_does_not_fit_is_an_error(tmp_path, wrong):
    columns, measures = page(0, 3)
    if wrong == "columns":
        columns = (*columns[:-1], ["x"] * 4)
    measures = {"measures": measures[:1], "nodes of measures": measures[:, :2]}.get(wrong, measures)
    with pytest.raises(ValueError, match="columns of nodes"), UnitTables(str(tmp_path), "00000", (), MEASURES) as tables:
        tables.add_nodes(columns, measures)
    assert not list(tmp_path.rglob("*.parquet"))
