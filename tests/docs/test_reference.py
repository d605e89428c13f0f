"""The reference pages say what the code says."""

from __future__ import annotations

import pytest

from schemas import glossary, tables
from schemas.reasons import Reason
from weft.reference import reasons, recipe
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


def test_every_setting_and_every_key_of_a_recipe_has_a_meaning():
    from trainer.config import Recipe
    from weft.reference.config import keys, sections

    assert [f"{s}.{k}" for s, model in sections() for k, f in keys(model) if not f.description] == []
    assert [f"{table} {name}" for table, kind in recipe.TABLES.items() for name, _, _, meaning in recipe.keys(kind) if not meaning] == []
    assert {f"[{f}]" for f in Recipe.__dataclass_fields__} - {"[stage]"} <= set(recipe.TABLES)  # the stages are a list: [[stage]]


@pytest.mark.parametrize("name", ["obelics", "strict", "demo"])
def test_what_init_writes_is_the_preset(name):
    from pipelines.settings.config import parse
    from weft.reference.config import commented_toml
    from weft.verbs.init import preset

    assert parse(commented_toml(preset(name)), name) == preset(name)
