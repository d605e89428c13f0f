"""Files that hold rows by id range: every row in one range, in order, whatever the schema of each file."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.report import ranges

ROWS = [("ffff01", 1), ("0000", 2), ("5554ff", 3), ("5555", 4), ("aaaa", 5), ("aaa9", 6), ("5555", 7)]


def table(rows: list[tuple[str, int]]) -> pa.Table:
    return pa.table({"id": pa.array([r[0] for r in rows], pa.string()), "n": pa.array([r[1] for r in rows], pa.int64())})


@pytest.mark.parametrize(("of", "expected"), [(1, [[1, 2, 3, 4, 5, 6, 7]]), (3, [[2, 3], [4, 6, 7], [1, 5]]), (4096, None)])
def test_each_row_is_in_the_range_of_its_id_and_keeps_its_place(tmp_path: Path, of: int, expected: list[list[int]] | None) -> None:
    path = str(tmp_path / "a.arrow")
    ranges.write(path, table(ROWS), "id", of)
    found = [ranges.read([path], n)["n"].to_pylist() for n in range(of)]
    assert sorted(sum(found, [])) == [1, 2, 3, 4, 5, 6, 7]
    if expected:
        assert found == expected
    else:
        assert [found[int(i[:4], 16) * of // 65536].count(n) for i, n in ROWS] == [1] * len(ROWS)


def test_files_without_rows_and_files_that_lack_a_column_are_read_together(tmp_path: Path) -> None:
    one, none, other = (str(tmp_path / name) for name in ("one", "none", "other"))
    ranges.write(one, table(ROWS), "id", 3)
    ranges.write(none, table([]), "id", 3)
    ranges.write(other, pa.table({"id": ["0001"], "n": pa.nulls(1), "x": [0.5]}), "id", 3)
    assert ranges.read([none], 1).num_rows == 0
    assert ranges.read([one, none, other], 0).to_pylist() == [
        {"id": "0000", "n": 2, "x": None}, {"id": "5554ff", "n": 3, "x": None}, {"id": "0001", "n": None, "x": 0.5}]  # fmt: skip


def test_gathered_files_read_like_those_they_were_gathered_from(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i}") for i in range(4)]
    for i, path in enumerate(paths):
        ranges.write(path, table([(f"{(k * 7919 + i) % 65536:04x}", 100 * i + k) for k in range(20 * i)]), "id", 5)
    ranges.write(paths[1], pa.table({"id": ["8000"], "n": pa.nulls(1)}), "id", 5)
    together = [str(tmp_path / "left"), str(tmp_path / "right")]
    ranges.gather(paths[:3], together[0])
    ranges.gather(paths[3:], together[1])
    for n in range(5):
        assert ranges.read(together, n).to_pylist() == ranges.read(paths, n).to_pylist()
