"""The reference pages say what the code says."""

from __future__ import annotations

import pytest

from schemas import glossary, tables
from schemas.reasons import Reason
from weft.reference import reasons
from weft.reference.__main__ import PAGES, main, stale


def test_pages_are_current(repo):
    assert stale(repo / "docs", write=False) == [], "run: make reference"


def test_a_stale_page_is_named_and_repaired(repo, tmp_path, capsys):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "filters.md").write_text((repo / "docs" / "filters.md").read_text())
    assert main(["--check", str(docs)]) == 1
    assert sorted(capsys.readouterr().out.split()) == sorted(f"reference/{name}" for name in PAGES)
    assert main([str(docs)]) == 0
    assert main(["--check", str(docs)]) == 0


def test_every_table_column_and_reason_has_a_meaning():
    assert set(glossary.TABLES) == set(tables.names())
    for table in tables.names():
        assert all(glossary.meaning(table, column) for column in tables.schema(table).names)
    said = reasons.meanings()
    assert all(said.get(r.value) for r in Reason)
    with pytest.raises(KeyError, match="no_such_column"):
        glossary.meaning("documents", "no_such_column")
