"""What holds for every rule there is: named by its place, documented, sourced, its columns unique, in the docs and presets."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from pathlib import Path

import pytest

from filters import catalogue
from filters.base import At, TextRule, Unit
from filters.registry import rules
from filters.text import words
from filters.text.languages import table
from pipelines.settings.config import dump, load, parse

PREFIX = {
    (Unit.URL, At.EXTRACT): "url_", (Unit.PARAGRAPH, At.EXTRACT): "paragraph_", (Unit.DOCUMENT, At.EXTRACT): "doc_",
    (Unit.DOCUMENT, At.SELECT): "final_", (Unit.IMAGE, At.EXTRACT): "image_", (Unit.IMAGE, At.SCORE): "image_",
    (Unit.PAIR, At.SELECT): "pair_",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(rules()))
def test_rule_is_complete(name: str) -> None:
    rule = rules()[name]
    assert (rule.__doc__ or "").strip().endswith("."), "a docstring in sentences"
    assert rule.source and rule.measures
    assert set(rule.parameters) <= {f.name for f in fields(rule)}
    assert all(m.startswith(PREFIX[rule.unit, rule.at]) for m in rule.measures)
    assert {x.measure for x in rule().limits()} <= set(rule.measures)
    assert all(x.reason.startswith(name + ".") for x in rule().limits())
    if rule.unit == Unit.PARAGRAPH:
        assert issubclass(rule, TextRule)


def test_columns_are_unique() -> None:
    counts = Counter(m for r in rules().values() for m in r.measures)
    assert [m for m, n in counts.items() if n > 1] == []


def test_measures_fit_their_tables() -> None:
    from schemas.tables import wide

    for table_name, wanted in {
        "document_measures": [k for k in PREFIX if k[0] in (Unit.URL, Unit.DOCUMENT) and k[1] == At.EXTRACT],
        "nodes": [(Unit.PARAGRAPH, At.EXTRACT), (Unit.IMAGE, At.EXTRACT)],
        "images": [(Unit.IMAGE, At.SCORE)],
        "pairs": [(Unit.PAIR, At.SELECT)],
    }.items():
        measures = [m for r in rules().values() if (r.unit, r.at) in wanted for m in r.measures]
        assert set(measures) <= set(wide(table_name, measures).names)


def test_docs_list_every_rule_as_it_is(repo: Path) -> None:
    page = (repo / "docs" / "filters.md").read_text(encoding="utf-8")
    assert catalogue.fill(page) == page, "run: python -m filters.catalogue --write docs/filters.md"
    assert all(f"`{name}`" in page for name in rules())


def test_catalogue_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"head\n{catalogue.BEGIN}\nstale line\n{catalogue.END}\ntail\n", encoding="utf-8")
    assert catalogue.main(["--check", str(page)]) == 1
    assert catalogue.main(["--write", str(page)]) == 0
    assert catalogue.main(["--check", str(page)]) == 0
    assert "stale line" not in page.read_text(encoding="utf-8") and page.read_text(encoding="utf-8").endswith("tail\n")
    assert catalogue.main([]) == 0 and "`paragraph.word_count`" in capsys.readouterr().out
    assert catalogue.main(["--wrong"]) == 2
    with pytest.raises(ValueError, match="lacks the marks"):
        catalogue.fill("no marks")


# OBELICS: facts of the release, written out a second time so that a slip in one place shows
RELEASED = {
    "paragraph.word_count": {"min": 4, "max": 1000}, "paragraph.character_repetition": {"max": 0.1, "n": 10},
    "paragraph.word_repetition": {"max": 0.1, "n": 5}, "paragraph.special_characters": {"max": 0.3},
    "paragraph.stop_words": {"min": 0.3}, "paragraph.flagged_words": {"max": 0.01},
    "paragraph.punctuation": {"min": 0.001, "min_tokens": 12}, "paragraph.common_words": {"min": 0.8},
    "paragraph.spam_words": {"max": 0.12}, "document.word_count": {"min": 10, "max": 2000},
    "document.character_repetition": {"max": 0.1, "n": 10}, "document.word_repetition": {"max": 0.2, "n": 5},
    "document.special_characters": {"max": 0.275}, "document.stop_words": {"min": 0.35},
    "document.flagged_words": {"max": 0.01}, "document.punctuation": {"min": 0.03}, "document.common_words": {"min": 0.9},
    "document.spam_words": {"max": 0.12}, "document.language": {"min": 0.8}, "document.images_left": {"min": 1, "max": 30},
    "image.size": {"min": 150, "max": 20000}, "image.rendered_size": {"min": 150, "max": 20000},
    "image.aspect_ratio": {"min": 0.5, "max": 2.0}, "image.rendered_aspect_ratio": {"min": 0.5, "max": 2.0},
}  # fmt: skip


def test_obelics_has_the_released_thresholds(repo: Path) -> None:
    from filters.registry import build

    config = load(str(repo / "configs" / "obelics.toml")).filters
    for name, wanted in RELEASED.items():
        rule = build(name, {k: v for k, v in config[name].items() if k not in ("enabled", "shadow")})
        assert {k: getattr(rule, k) for k in wanted} == wanted, name
        assert all(getattr(rules()[name](), k) == v for k, v in wanted.items()), f"default of {name}"


@pytest.mark.parametrize("preset", ["obelics.toml", "strict.toml"])
def test_presets_survive_a_round_trip(repo: Path, preset: str) -> None:
    config = load(str(repo / "configs" / preset))
    assert parse(dump(config), preset) == config


def test_strict_uses_every_text_rule_without_a_model(repo: Path) -> None:
    config = load(str(repo / "configs" / "strict.toml")).filters
    need_models = {"paragraph.perplexity", "document.perplexity", "document.quality", "paragraph.language"}
    text_rules = {n for n, r in rules().items() if r.unit in (Unit.PARAGRAPH, Unit.DOCUMENT)}
    assert text_rules - need_models <= set(config)


def test_word_lists() -> None:
    assert "the" in words.stop("en") and len(words.stop("en")) == words.STOP_WORDS
    assert words.stop("eng") == words.stop("en")
    assert {"der", "und"} <= words.stop("de") and words.stop("tlh") == frozenset()
    assert "house" in words.common("en") and "xqzvwk" not in words.common("en")
    assert "porn" in words.flagged("fi") and "sex" not in words.spam("en")
    lists = words.languages_with_lists()
    assert len(lists["stop_words"]) >= 35
    assert all(set(codes) <= set(table()) | {"nb", "fil", "sh"} for codes in lists.values())
