"""Pages for the fixed trainer: where pictures stand, what is kept of the text."""

from __future__ import annotations

import pytest

from ablation.web import CURATIONS, merged, settings, short

DOC = {
    "doc_id": "d", "texts": ["title", "before one two", None, "after one", "far away", None], "images": [None, None, "a.png", None, None, "b.png"],
    "image_width": [None, None, 10, None, None, 30], "image_height": [None, None, 20, None, None, 40], "node_index": [0, 1, 2, 4, 5, 9],
}  # fmt: skip


def order(place: str, best: dict | None = None) -> list[str]:
    row = short(DOC, place, best or {})
    return [t or i for t, i in zip(row["texts"], row["images"], strict=True)]


def test_where_the_picture_stands() -> None:
    assert order("page") == ["before one two", "a.png", "after one", "far away", "b.png"]
    assert order("before") == ["a.png", "before one two", "after one", "b.png", "far away"]
    assert order("clip", {("d", 2): 4, ("d", 9): 5}) == ["before one two", "a.png", "after one", "b.png", "far away"]
    assert order("clip", {("d", 2): 77}) == order("page")  # the liked text was dropped


def test_sizes_go_with_their_pictures() -> None:
    row = short(DOC, "before", {})
    assert [(w, h) for i, w, h in zip(row["images"], row["image_width"], row["image_height"], strict=True) if i] == [(10, 20), (30, 40)]
    both = merged([row, row])
    assert both["images"] == row["images"] * 2 and len(both["texts"]) == 2 * len(row["texts"])


def test_every_curation_is_a_configuration() -> None:
    from weft.verbs.demo import demo_config

    base = demo_config(["x.warc.gz"], 1)
    for c in CURATIONS:
        config = demo_config(["x.warc.gz"], 1, settings(c, list(base.filters)))
        off = {n for n, s in config.filters.items() if s.get("enabled") is False}
        assert off == {n for n in base.filters if c.off and n.startswith(c.off)}
        assert bool(off) == bool(c.off), f"{c.key} leaves out rules that do not exist"
    keys = [c.key for c in CURATIONS]
    assert len(set(keys)) == len(keys) and len({c.name for c in CURATIONS}) == len(keys)


@pytest.mark.slow
def test_curations_of_a_small_web(tmp_path) -> None:
    import json

    from ablation.web import curate

    counts = {}
    for c in CURATIONS[:2]:
        with open(f"{curate(c, str(tmp_path), 50)}/facts.json", encoding="utf-8") as f:
            counts[c.key] = json.load(f)
    assert 0 < counts["curated"]["documents"] < counts["uncurated"]["documents"]
    assert counts["curated"]["dropped"]["pair.similarity.below"] > 0 and "pair.similarity.below" not in counts["uncurated"]["dropped"]
