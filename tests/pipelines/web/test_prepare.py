"""Compiled loops of other sources are forgotten: numba compares the file of a loop, not those of the loops that it calls."""

from __future__ import annotations

from pipelines.web import prepare


def test_indexes_of_old_code_go_and_nothing_else(tmp_path, monkeypatch):
    cache = tmp_path / "pipelines" / "web" / "dom" / "__pycache__"
    cache.mkdir(parents=True)
    for name in ("scan.scan-1.py311.nbi", "scan.cpython-311.pyc"):
        (cache / name).touch()
    monkeypatch.setattr(prepare, "_HERE", tmp_path / "pipelines" / "web")
    prepare._forget()
    assert [p.name for p in cache.iterdir()] == ["scan.cpython-311.pyc"]


def test_the_mark_changes_with_any_source(tmp_path, monkeypatch):
    for folder in ("pipelines/web/dom", "filters"):
        (tmp_path / folder).mkdir(parents=True)
    source = tmp_path / "pipelines" / "web" / "dom" / "markup.py"
    source.write_text("a = 1\n")
    monkeypatch.setattr(prepare, "_HERE", tmp_path / "pipelines" / "web")
    before = prepare._mark()
    source.write_text("a = 10\n")
    assert prepare._mark() != before
