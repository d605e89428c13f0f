"""Rows that go through files arrive as they were sent, and the engine carries nothing but pointers."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.settings.run import RunnerSettings
from pipelines.spool import Spool, spool

ROWS = [(1, b"a" * 100_000), (2, b""), (1, b"b" * 70_000), (3, b"c")]


def test_rows_arrive_as_they_were_sent(tmp_path: Path):
    files = Spool(str(tmp_path))
    sent = [*files.put("one", ROWS), *files.put("two", ROWS[:1])]
    assert [k for k, _ in sent] == [1, 2, 1, 3, 1] and all(len(p) < 50 for _, p in sent)
    assert [*files.get(p for _, p in reversed(sent))] == [ROWS[0][1], *(d for _, d in reversed(ROWS))]


def test_what_is_put_again_does_not_change_what_was_pointed_at(tmp_path: Path):
    files = Spool(str(tmp_path))
    first = [*files.put("one", ROWS)]
    assert [*files.put("one", iter(ROWS))] == first
    assert [*files.get(p for _, p in first)] == [d for _, d in ROWS]


def test_a_file_that_is_too_short_is_named(tmp_path: Path):
    files = Spool(str(tmp_path))
    pointers = [p for _, p in files.put("one", ROWS)]
    (tmp_path / "one").write_bytes(b"a" * 100_000)
    with pytest.raises(OSError, match="one ends before byte 170000.*run the same command again"):
        [*files.get(pointers)]


def test_the_folder_is_the_stages_own_and_goes_even_after_a_failure(tmp_path: Path):
    with spool(RunnerSettings(), str(tmp_path)) as files:
        assert Path(files.folder).parent == tmp_path / "work"
    with pytest.raises(ValueError), spool(RunnerSettings(), f"file://{tmp_path}") as files:
        files.put("one", ROWS)
        raise ValueError
    assert [*(tmp_path / "work").iterdir()] == []
    with spool(RunnerSettings(), "memory://bucket/run") as files:
        assert not files.folder.startswith(str(tmp_path)) and Path(files.folder).is_dir()


def test_engines_with_disks_of_their_own_get_the_rows():
    with spool(RunnerSettings(name="flink"), "s3://bucket/run") as files:
        assert [*files.put("one", ROWS)] == ROWS and [*files.get([b"x"])] == [b"x"]
