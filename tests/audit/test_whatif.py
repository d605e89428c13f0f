import random

import pytest

from audit.queries import ask
from audit.run import Run
from audit.whatif import WhatIfError, names, whatif

SETTINGS = {  # of select and score: re-run in seconds; value range
    "pair.similarity.min": (0.0, 0.25), "image.size.image_min_side.min": (100, 400), "image.aspect_ratio.max": (1.0, 3.0), "image.aspect_ratio.min": (0.3, 1.0),
    "document.images_left.max": (1, 6), "document.images_left.min": (1, 4), "document.text_left.min": (5, 200),
}  # fmt: skip


def kept(run) -> tuple[set[str], dict[str, int], dict[str, int]]:
    with Run(str(run)).connect() as con:
        ids = {r["doc_id"] for r in ask(con, "SELECT doc_id FROM documents WHERE kept")}
        rows = ask(con, "SELECT language, domain FROM documents WHERE kept")
        return ids, _count(r["language"] for r in rows), _count(r["domain"] for r in rows)


def _count(values) -> dict[str, int]:
    out: dict[str, int] = {}
    for v in values:
        out[v] = out.get(v, 0) + 1
    return out


def toml(name: str, value: float) -> str:
    rule, what = ".".join(name.split(".")[:2]), name.split(".")[-1]
    return f'filters."{rule}".{what}={value}'


def cases():
    draw = random.Random(5)
    out = []
    for i in range(7):
        chosen = draw.sample(sorted(SETTINGS), 1 + i % 3)
        whole = {n: n.startswith("document.") or "side" in n for n in chosen}
        out.append({n: (draw.randint(*map(int, SETTINGS[n])) if whole[n] else round(draw.uniform(*SETTINGS[n]), 2)) for n in chosen})
    return out


@pytest.mark.parametrize("chosen", cases(), ids=lambda c: " ".join(f"{k}={v}" for k, v in c.items()))
def test_counts_are_those_of_a_real_run(demo_run, again, chosen):
    run = Run(str(demo_run))
    with run.connect() as con:
        known = names(ask(con, "SELECT * FROM rules"))
    chosen = {n: v for n, v in chosen.items() if n in known}
    if not chosen:
        pytest.skip("the demo's rules have none of these limits")
    answer = whatif(run, [f"filters.{n}={v}" for n, v in chosen.items()], flips=1000)
    real, languages, domains = kept(again(demo_run, [toml(n, v) for n, v in chosen.items()]))
    before = kept(demo_run)[0]
    assert answer.low <= len(real) <= answer.high
    if answer.exact:
        assert answer.after["documents"] == len(real)
        assert {r["language"]: r["after"] for r in answer.languages if r["after"]} == languages
        assert {r["domain"]: r["after"] for r in answer.domains if r["after"]} == domains
        assert {r["doc_id"] for r in answer.flips["out"]} == before - real
        assert {r["doc_id"] for r in answer.flips["in"]} == real - before
    else:
        assert answer.caveats


def test_no_change_changes_nothing(demo_run):
    run = Run(str(demo_run))
    with run.connect() as con:
        limit = names(ask(con, "SELECT * FROM rules"))["pair.similarity.min"][0]["limit"]
    a = whatif(run, [f"pair.similarity.min={limit}"])
    assert a.exact and a.low == a.high == a.after["documents"] == a.before["documents"] and a.after["images"] == a.before["images"]
    assert all(f["before"] == f["after"] for f in a.funnel) and not a.flips["in"] and not a.flips["out"]


def test_the_funnel_adds_up_on_both_sides(demo_run):
    a = whatif(Run(str(demo_run)), ["pair.similarity.min=0.6", "document.word_count.min=60"])
    assert sum(f["before"] for f in a.funnel) == a.before["pages"]
    assert abs(sum(f["after"] for f in a.funnel) - a.before["pages"]) <= len(a.funnel)
    assert a.low <= a.after["documents"] <= a.high and a.exact == (a.low == a.high and not a.caveats)


@pytest.mark.parametrize("setting", ["pair.similarity.mim=0.3", "filters.pair.similarity.min=abc", "pair.similarity.min"])
def test_a_wrong_setting_is_named(demo_run, setting):
    with pytest.raises(WhatIfError, match="did you mean|number|write"):
        whatif(Run(str(demo_run)), [setting])


def test_unmeasured_pages_are_estimated_between_bounds(demo_run):
    a = whatif(Run(str(demo_run)), ["document.language.min=0.0", "paragraph.stop_words.min=0.1"])
    assert not a.exact and a.low <= a.after["documents"] <= a.high and len(a.caveats) == 2
