"""The dedup stage: every reason, the books, and the same answer for any number of workers and any order."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.dedup import oracle
from pipelines.dedup.index import DedupIndexError, append, compact, open_index, remove
from pipelines.dedup.work import Pass, Work
from pipelines.settings.config import Config, build
from pipelines.stage import Done, execute
from pipelines.stages import dedup as stage
from pipelines.stages.dedup import DedupStage
from tests.support.dedup_corpus import corpus, document, edited, extract_folder, sentence


@pytest.fixture
def no_beam(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connect the passes in this process, in an order that no engine would use."""

    def shuffle(self: stage.Shuffles, step: Pass, sources: tuple[str, ...] | None = None) -> None:
        rng = random.Random(type(step).__name__)

        def group(sent: list[tuple[str, bytes]]) -> list[tuple[str, list[bytes]]]:
            rng.shuffle(sent)
            by: dict[str, list[bytes]] = defaultdict(list)
            for key, value in sent:
                by[key].append(value)
            return list(by.items())

        names = list(self.work.units if sources is None else sources)
        rng.shuffle(names)
        buckets = group([x for n in names for x in step.send(n)])
        for unit, rows_ in group([x for name, parts in buckets for x in step.settle(name, parts)]):
            step.receive(unit, rows_)

    def each(_: object, parts: list[str], work: object, rows: int | None = None) -> None:
        for part in parts:
            work(part)  # type: ignore[operator]

    monkeypatch.setattr(stage.Shuffles, "__call__", shuffle)
    monkeypatch.setattr(stage, "map_parts", each)


def config(workers: int = 1, name: str = "weft", **dedup: object) -> Config:
    return build({"run": {"name": name}, "runner": {"workers": workers}, "dedup": dedup}, "test")


def run(tmp: Path, extract: Done, settings: Config) -> Done:
    return execute(DedupStage(), str(tmp), settings, {"extract": extract}).done


def rows(done: Done, table: str) -> list[dict]:
    group = "bucket" if table in ("clusters", "edges") else "unit"
    return [r for part in done.manifest.parts[group] for r in done.read(table, part).to_pylist()]


def fates(done: Done) -> dict[tuple[str, int], tuple[str, str]]:
    return {(r["unit"], r["row"]): (r["reason"], r["duplicate_of"]) for r in rows(done, "decisions")}


def test_every_reason(tmp_path: Path, no_beam: None) -> None:
    rng = random.Random(1)
    text = [" ".join(sentence(rng, 80)) for _ in range(20)]
    near = " ".join(edited(text[3].split(), rng, 1))
    page = [
        document("http://a.com/1", [text[0]], ["http://i.com/0.jpg"], "2024-01-01T00:00:00Z"),  # an older capture of the next
        document("http://a.com/1", [text[1]], ["http://i.com/1.jpg"], "2024-02-01T00:00:00Z"),
        document("http://b.com/1", [text[2]], ["http://i.com/2.jpg"]),
        document("http://c.com/1", [text[2]], ["http://i.com/3.jpg"], "2024-06-01T00:00:00Z"),  # the same text, newer
        document("http://d.com/1", [text[3]], ["http://i.com/4.jpg"]),
        document("http://e.com/1", [near], ["http://i.com/5.jpg"], "2023-01-01T00:00:00Z"),
        document("http://f.com/1", [text[4]], ["http://i.com/6.jpg", "http://i.com/7.jpg", "http://i.com/6.jpg"]),
        document("http://g.com/1", [text[5]], ["http://i.com/7.jpg", "http://i.com/6.jpg"], "2025-01-01T00:00:00Z"),
        document("http://h.com/1", [], []),
    ]
    page[1]["canonical_url"] = "https://a.com/1"  # http and https are one page
    twice = [page[2], document("http://x.com/none", ["one two"], [])]
    done = run(tmp_path, extract_folder(tmp_path / "extract", [page, twice]), config())
    found = fates(done)
    id_ = [p["doc_id"] for p in page]
    assert found == {
        ("00000", 0): ("document.duplicate.url", id_[1]),
        ("00000", 1): ("", ""),
        ("00000", 2): ("document.duplicate.text", id_[3]),
        ("00000", 3): ("", ""),
        ("00000", 4): ("", ""),
        ("00000", 5): ("document.duplicate.near", id_[4]),
        ("00000", 6): ("document.duplicate.images", id_[7]),
        ("00000", 7): ("", ""),
        ("00000", 8): ("", ""),
        ("00001", 0): ("document.duplicate.record", id_[2]),
        ("00001", 1): ("", ""),
    }
    decision = {(r["unit"], r["row"]): r for r in rows(done, "decisions")}
    assert decision["00000", 5]["similarity"] == pytest.approx(71 / 81) and decision["00000", 2]["similarity"] == 1.0
    assert decision["00000", 5]["cluster"] == decision["00000", 4]["cluster"] == min(id_[4], id_[5])
    assert {(r["doc_id"], r["representative"]) for r in rows(done, "clusters")} == {(id_[4], True), (id_[5], False)}
    assert [(r["row"], r["index"], r["reason"], r["duplicate_of"]) for r in rows(done, "node_decisions")] == [
        (6, 3, "image.duplicate.in_document", id_[6])
    ]
    counts = done.manifest.counts
    assert counts["documents"].entered == 11 and counts["documents"].kept == 6
    assert counts["images"].dropped == {"node.document_dropped": 6, "image.duplicate.in_document": 1} and counts["images"].entered == 12
    assert counts["paragraphs"].missing() == 0 and counts["paragraphs"].entered == 10


def boilerplate() -> list[dict]:
    rng = random.Random(2)
    out = [
        document(
            f"http://s{i % 2}.site.co.uk/{i}",
            ["Read our newsletter", " ".join(sentence(rng, 60))],
            ["http://i.com/icon.png", f"http://i.com/{i}"],
        )
        for i in range(11)
    ]
    out.append(document("http://only.site.co.uk/", ["Read our newsletter"], ["http://i.com/x"]))
    out.append(document("http://icon.com/", [" ".join(sentence(rng, 60))], ["http://i.com/icon.png"]))
    out.append(document("http://other.com/1", ["Read our newsletter", " ".join(sentence(rng, 60))], ["http://i.com/o1"]))
    out.append(document("http://other.com/2", ["Read our newsletter", " ".join(sentence(rng, 60))], ["http://i.com/o2"]))
    for d in out:
        d["domain"] = "site.co.uk" if "site" in d["url"] else d["domain"]
    return out


def test_repeated_nodes(tmp_path: Path, no_beam: None) -> None:
    pages = boilerplate()
    extract = extract_folder(tmp_path / "extract", [pages[:5], pages[5:]])
    done = run(tmp_path, extract, config())
    nodes = rows(done, "node_decisions")
    assert sum(n["reason"] == "paragraph.duplicate.domain" for n in nodes) == 12  # twice in other.com stays
    assert sum(n["reason"] == "image.duplicate.url_frequent" for n in nodes) == 12
    reasons = fates(done)
    assert reasons["00001", 6] == ("document.empty.no_text", "") and reasons["00001", 7] == ("document.empty.no_image", "")
    assert sum(bool(r) for r, _ in reasons.values()) == 2

    kept = run(tmp_path, extract, config(paragraph_keep_first=True, drop_emptied=False, image_url_max=12))
    nodes = rows(kept, "node_decisions")
    assert {n["reason"] for n in nodes} == {"paragraph.duplicate.domain"} and len(nodes) == 11
    first = min((p["fetched_at"], p["doc_id"]) for p in pages[:12])[1]
    assert {n["duplicate_of"] for n in nodes} == {first}
    assert all(not r for r, _ in fates(kept).values())

    off = config(paragraph_repeats=0, image_url_max=0, image_in_document=False, image_set=False, near=False, url=False, text=False)
    untouched = run(tmp_path, extract, off)
    assert rows(untouched, "node_decisions") == [] and all(not r for r, _ in fates(untouched).values())


def test_among_how_many_parts_nodes_are_dealt_out_does_not_matter(tmp_path: Path, no_beam: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = boilerplate()
    extract = extract_folder(tmp_path / "extract", [pages[:5], pages[5:]])
    one = rows(run(tmp_path / "one", extract, config(paragraph_keep_first=True)), "node_decisions")
    real = stage.repeats.Repeats
    monkeypatch.setattr(stage.repeats, "Repeats", lambda work, _: real(work, 7))
    assert rows(run(tmp_path / "many", extract, config(paragraph_keep_first=True)), "node_decisions") == one != []


def test_exactly_the_limits(tmp_path: Path, no_beam: None) -> None:
    """OBELICS: more than 10 image URLs, at least 3 paragraphs."""
    rng = random.Random(3)
    for n in (10, 11):
        pages = [document(f"http://d{i}.com/", [" ".join(sentence(rng, 60))], ["http://i.com/x", f"http://i.com/{i}"]) for i in range(n)]
        done = run(tmp_path / str(n), extract_folder(tmp_path / f"e{n}", [pages]), config())
        assert len(rows(done, "node_decisions")) == (0 if n == 10 else 11)
    for n in (2, 3):
        pages = [document("http://d.com/" + str(i), ["Menu", " ".join(sentence(rng, 60))], [f"http://i.com/{i}"]) for i in range(n)]
        done = run(tmp_path / f"p{n}", extract_folder(tmp_path / f"q{n}", [pages]), config())
        assert len(rows(done, "node_decisions")) == (0 if n == 2 else 3)


def test_quality_elects(tmp_path: Path, no_beam: None) -> None:
    rng = random.Random(4)
    source = sentence(rng, 100)
    texts = [" ".join(source), *(" ".join(edited(source, rng, 1)) for _ in range(3))]
    pages = [document(f"http://q{i}.com/", [t], fetched_at=f"2024-0{i + 1}-01T00:00:00Z") for i, t in enumerate(texts)]
    measures = pa.table({"row": pa.array([-1, 0, 1, 2, 3], pa.int32()), "score": [9.0, 0.1, 0.7, None, 0.2]})
    extract = extract_folder(tmp_path / "extract", [pages], measures=[measures])
    by_time, by_quality = (run(tmp_path, extract, config(quality_measure=m)) for m in ("", "score"))
    assert [r["doc_id"] for r in rows(by_time, "decisions") if r["kept"]] == [pages[3]["doc_id"]]
    assert [r["doc_id"] for r in rows(by_quality, "decisions") if r["kept"]] == [pages[1]["doc_id"]]
    assert {r["cluster"] for r in rows(by_time, "decisions")} == {r["cluster"] for r in rows(by_quality, "decisions")}


def _units(texts: list[str], count: int, seed: int) -> list[list[dict]]:
    pages = [document(f"http://h{i}.com/{i}", [t[: len(t) // 2].rsplit(" ", 1)[0], t[len(t[: len(t) // 2].rsplit(" ", 1)[0]) + 1 :]],
                      [f"http://i.com/{i}"], f"2024-01-{i % 28 + 1:02d}T00:00:00Z") for i, t in enumerate(texts)]  # fmt: skip
    random.Random(seed).shuffle(pages)
    return [pages[i::count] for i in range(count)]


def _clusters(done: Done) -> set[frozenset[str]]:
    by: dict[str, set[str]] = defaultdict(set)
    for r in rows(done, "clusters"):
        by[r["cluster"]].add(r["doc_id"])
    return {frozenset(c) for c in by.values()}


def _answer(done: Done) -> list[tuple]:
    return sorted((r["doc_id"], r["reason"], r["duplicate_of"], r["similarity"] or 0.0, r["cluster"]) for r in rows(done, "decisions"))


@pytest.mark.parametrize("kind", ["chain", "star", "clique", "threshold", "mixed"])
def test_same_clusters_as_brute_force(kind: str, tmp_path: Path, no_beam: None) -> None:
    texts = corpus(kind, 11)
    settings = config().dedup
    ids = {i: document(f"http://h{i}.com/{i}", fetched_at=f"2024-01-{i % 28 + 1:02d}T00:00:00Z")["doc_id"] for i in range(len(texts))}
    pairs = oracle.edges(texts, settings)
    expected = {frozenset(ids[i] for i in c) for c in oracle.clusters(pairs)}
    assert len(expected) > 100
    answers = []
    for n, (units, seed, over) in enumerate([(1, 1, {}), (5, 2, {"buckets": 4}), (3, 3, {"components": "beam", "buckets": 8})]):
        done = run(tmp_path / str(n), extract_folder(tmp_path / f"e{n}", _units(texts, units, seed)), config(**over))
        assert _clusters(done) == expected
        answers.append(_answer(done))
    assert answers[0] == answers[1] == answers[2]
    assert {(frozenset((r["a"], r["b"])), r["similarity"]) for r in rows(done, "edges")} == {
        (frozenset((ids[i], ids[j])), s) for (i, j), s in pairs.items()
    }
    representatives = {r["doc_id"] for r in rows(done, "clusters") if r["representative"]}
    for r in rows(done, "decisions"):
        assert r["kept"] or (r["duplicate_of"] in representatives and 0 < r["similarity"] <= 1)


def test_workers_and_engine_do_not_matter(tmp_path: Path) -> None:
    """The real thing, through Beam, in one process and in two."""
    texts = corpus("mixed", 5, 200)
    one = run(tmp_path / "1", extract_folder(tmp_path / "e1", _units(texts, 3, 1)), config(workers=1))
    two = run(tmp_path / "2", extract_folder(tmp_path / "e2", _units(texts, 4, 2)), config(workers=2, components="beam", buckets=4))
    assert _answer(one) == _answer(two) and _clusters(one)
    assert not (tmp_path / "1" / "stages" / "dedup" / one.manifest.digest / "work").exists()


def test_half_the_corpus_in_one_bucket(tmp_path: Path, no_beam: None) -> None:
    """600 pages of one template, 600 of their own: linear work, one cluster, nothing else touched."""
    rng = random.Random(6)
    template = sentence(rng, 150)
    texts = [" ".join([*template, f"n{i}"]) for i in range(600)] + [" ".join(sentence(rng, 40)) for _ in range(600)]
    done = run(tmp_path, extract_folder(tmp_path / "e", _units(texts, 3, 1)), config(bucket_all_pairs=16, bucket_leaders=4))
    assert [len(c) for c in _clusters(done)] == [600]
    assert sum(r["kept"] for r in rows(done, "decisions")) == 601
    assert len(rows(done, "edges")) <= 600 * 4 * 14


def test_across_runs(tmp_path: Path, no_beam: None) -> None:
    """A second snapshot with 30 % overlap loses exactly the overlap; the first one's texts are gone by then."""
    rng = random.Random(7)
    first = [" ".join(sentence(rng, 80)) for _ in range(200)]
    second = first[:60] + [" ".join(sentence(rng, 80)) for _ in range(140)]
    index = str(tmp_path / "index")
    settings = config(index=index, name="one")
    pages = [document(f"http://h{i}.com/a", [t], [f"http://i.com/{i}"]) for i, t in enumerate(first)]
    extract = extract_folder(tmp_path / "e1", [pages[:100], pages[100:]])
    one = run(tmp_path / "1", extract, settings)
    append(index, "one", (one.read("signatures", u) for u in one.manifest.parts["unit"]), settings.dedup, partitions=8)
    again = execute(DedupStage(), str(tmp_path / "1"), settings, {"extract": extract})
    assert again.skipped  # its own entry in the index does not count

    for p in (tmp_path / "e1").rglob("*.parquet"):
        p.unlink()
    overlap = []
    for i in range(20):  # the same URL, other text
        overlap.append(document(f"https://h{i}.com/a", [second[i]], [f"http://j.com/{i}"], "2025-01-01T00:00:00Z"))
    for i in range(20, 40):  # the same text elsewhere
        overlap.append(document(f"http://mirror.com/{i}", [second[i]], [f"http://j.com/{i}"], "2025-01-01T00:00:00Z"))
    for i in range(40, 60):  # nearly the same text elsewhere
        overlap.append(document(f"http://m{i}.org/", [second[i] + " end"], [f"http://j.com/{i}"], "2025-01-01T00:00:00Z"))
    fresh = [document(f"http://new{i}.com/", [t], [f"http://j.com/{i}"], "2025-01-01T00:00:00Z") for i, t in enumerate(second[60:], 60)]
    both = overlap + fresh
    rng.shuffle(both)
    later = config(index=index, name="two", buckets=2)
    two = run(tmp_path / "2", extract_folder(tmp_path / "e2", [both[:90], both[90:]], "1" * 16), later)
    dropped = {r["doc_id"]: r for r in rows(two, "decisions") if not r["kept"]}
    assert set(dropped) == {d["doc_id"] for d in overlap}
    assert {r["reason"] for r in dropped.values()} == {"document.duplicate.earlier_run"}
    assert [dropped[d["doc_id"]]["duplicate_of"] for d in overlap] == [p["doc_id"] for p in pages[:60]]
    assert all(dropped[d["doc_id"]]["similarity"] > 0.9 for d in overlap[20:])

    append(index, "two", (two.read("signatures", u) for u in two.manifest.parts["unit"]), later.dedup)
    assert open_index(index, later.dedup).runs() == ("one", "two")
    three = config(index=index, name="three")
    everything = extract_folder(tmp_path / "e3", [both], "2" * 16)
    assert not any(r["kept"] for r in rows(run(tmp_path / "3", everything, three), "decisions"))
    assert len(compact(index, three.dedup).segments) == 1
    assert not any(r["kept"] for r in rows(run(tmp_path / "3", everything, three), "decisions"))
    remove(index, "one", three.dedup)
    kept = {r["doc_id"] for r in rows(run(tmp_path / "3", everything, three), "decisions") if r["kept"]}
    assert kept == {d["doc_id"] for d in overlap}
    assert open_index(compact(index, three.dedup).root, three.dedup).segments[0].documents == 140
    with pytest.raises(DedupIndexError, match="no run 'one'"):
        remove(index, "one", three.dedup)
    with pytest.raises(DedupIndexError, match="use the index's values"):
        open_index(index, config(bands=20).dedup)


@pytest.mark.parametrize("match", ["url", "text"])
def test_a_bucket_of_which_an_earlier_run_knows_every_page(tmp_path: Path, no_beam: None, match: str) -> None:
    """The same crawl again, under another name: nobody is left to elect."""
    rng = random.Random(9)
    pages = [document(f"http://h{i}.com/", [" ".join(sentence(rng, 40))], [f"http://i.com/{i}"]) for i in range(20)]
    index, extract = str(tmp_path / "index"), extract_folder(tmp_path / "e", [pages])
    first = config(index=index, name="one")
    one = run(tmp_path / "1", extract, first)
    append(index, "one", (one.read("signatures", u) for u in one.manifest.parts["unit"]), first.dedup)
    two = run(tmp_path / "2", extract, config(index=index, name="two", index_match=(match,)))
    assert {(r["kept"], r["reason"]) for r in rows(two, "decisions")} == {(False, "document.duplicate.earlier_run")}
    assert two.manifest.counts["documents"].dropped == {"document.duplicate.earlier_run": 20}


def test_nothing_in(tmp_path: Path, no_beam: None) -> None:
    done = run(tmp_path, extract_folder(tmp_path / "e", [[], []]), config())
    assert done.manifest.counts["documents"].entered == 0 and rows(done, "decisions") == []


def test_an_interrupted_stage_goes_on(tmp_path: Path, no_beam: None, monkeypatch: pytest.MonkeyPatch) -> None:
    units = _units(corpus("mixed", 8, 200), 3, 1)
    extract = extract_folder(tmp_path / "e", units)
    whole = run(tmp_path / "whole", extract, config())
    calls = []
    original = Work.clear
    monkeypatch.setattr(Work, "clear", lambda self: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        run(tmp_path / "half", extract, config())
    monkeypatch.setattr(Work, "clear", original)
    monkeypatch.setattr(stage.Prepare, "__call__", lambda self, unit: calls.append(unit))
    again = run(tmp_path / "half", extract, config())
    assert again.manifest == whole.manifest
    assert calls == []  # no text was read again
    assert not (Path(again.root) / "work").exists()  # what the first attempt could not clear away
