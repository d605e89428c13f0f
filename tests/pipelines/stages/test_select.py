"""Stage select: every reason, exact shares, presets, splits; from stored measures alone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines import storage
from pipelines.settings.config import Config, build
from pipelines.settings.select import SelectSettings
from pipelines.stage import Done, StageError, digest, execute
from pipelines.stages.score import ScoreStage
from pipelines.stages.select import SelectStage
from schemas.ids import image_id
from tests.support.pictures import encoded, scene
from tests.support.scored_run import Web, demo_clip

RULES = {"image.size": {"min": 150}, "pair.similarity": {"min": 0.115}, "document.images_left": {"min": 1, "max": 30}}


def config(filters: dict | None = None, score: dict | None = None, **select: object) -> Config:
    own = {"neighbours": 1, "shadow_share": 0.0, "embeddings": True, "clip": demo_clip(), **(score or {})}
    return build({"runner": {"workers": 1}, "score": own, "select": select, "filters": RULES if filters is None else filters}, "test")


def rows(done: Done, table: str) -> list[dict]:
    return pa.concat_tables([storage.read_table(p) for p in done.paths(table)]).to_pylist()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("select")
    web = Web(36)
    web.viral = [web.put(encoded(scene(320, 240, 7), "JPEG", quality=60 + i)) for i in range(12)]  # type: ignore[attr-defined]
    web.tiny = web.put(encoded(scene(60, 60, 8), "PNG"))  # type: ignore[attr-defined]
    web.gone = web.put(b"", status="HTTP 404")  # type: ignore[attr-defined]
    web.noai = web.put(b"", status="opt-out: X-Robots-Tag noai")  # type: ignore[attr-defined]
    inputs = web.write(root)
    inputs["score"] = execute(ScoreStage(), str(root / "run"), config(), inputs).done
    return web, inputs, root


def select(run, where: Path, cfg: Config) -> Done:
    return execute(SelectStage(), str(where), cfg, run[1]).done


def by_url(run, done: Done) -> dict[str, dict]:
    ids = {image_id(u): u for u in run[0].bytes}
    return {ids[r["image_id"]]: r for r in rows(done, "verdicts")}


def test_every_image_has_its_reason_and_the_books_balance(run, tmp_path):
    web, _, _ = run
    done = select(run, tmp_path, config())
    found = {u: r["reasons"][0] if r["reasons"] else "" for u, r in by_url(run, done).items()}
    assert {found[u] for u in web.viral} == {"image.duplicate.copies"}
    assert (found[web.tiny], found[web.gone], found[web.noai]) == ("image.size.below", "image.fetch.failed", "image.opt_out")
    wrong = [found[u] for u in web.wrong]
    right = [r for u, r in found.items() if "odd" not in u and u not in web.wrong]
    assert wrong.count("pair.similarity.below") >= 0.9 * len(wrong)
    assert right.count("pair.similarity.below") <= 0.1 * len(right) and right.count("") > 0.8 * len(right)
    counts = done.manifest.counts
    for kind in ("documents", "paragraphs", "images"):
        assert counts[kind].missing() == 0 and counts[kind].kept > 0
    assert counts["images"].entered == len(web.bytes)
    selected = rows(done, "selected")
    assert len(selected) == len(web.documents)
    lost = next(r for r in selected if r["n_images"] == 0)
    assert lost["reason"] == "document.empty.no_image" and "document.images_left.below" in lost["reasons"] and lost["final_images"] == 0
    kept = {(r["unit"], r["row"]) for r in selected if r["kept"]}
    assert all((n["unit"], n["row"]) in kept for n in rows(done, "node_decisions") if n["kept"])


@pytest.mark.parametrize("share", [0.1, 0.3, 0.85])
def test_the_kept_share_is_the_one_asked_for(run, tmp_path, share):
    done = select(run, tmp_path, config(keep_fraction=share, copies_max=0))
    scored = [r for r in rows(run[1]["score"], "placements") if r["scored"] and r["image_min_side"] >= 150]
    verdicts = {(r["doc_id"], r["index"]): r for r in rows(done, "verdicts")}
    kept = [r for r in scored if not verdicts[(r["doc_id"], r["index"])]["reasons"]]
    assert len(kept) == round(share * len(scored))
    limit = min(r["pair_similarity"] for r in kept)
    assert all(r["pair_similarity"] <= limit for r in scored if verdicts[(r["doc_id"], r["index"])]["reasons"])
    assert "cuts" in done.manifest.facts


@pytest.mark.parametrize("per_language", [False, True])
@pytest.mark.parametrize("share", [0.1, 1 / 3, 0.5])
def test_the_share_is_exact_where_most_pairs_tie(run, tmp_path, share, per_language):
    """Similarities rounded to tenths: a cut between equals, by hash. As `weft bench kept` counts."""
    from benchmarks.kept import shares

    score = inputs_in_two_languages(run, tmp_path, to=0.1)
    cfg = config(keep_fraction=share, keep_per_language=per_language)
    done = execute(SelectStage(), str(tmp_path / "run"), cfg, {**run[1], "score": score}).done
    found = shares(score, done, share, per_language)
    assert [k.language for k in found] == (["de", "en"] if per_language else [""])
    assert all(k.kept == round(share * k.pairs) and k.pairs >= 15 and k.ok for k in found) and max(k.tied for k in found) > 5


def test_another_threshold_judges_again_and_measures_nothing(run, tmp_path):
    strict = config({**RULES, "pair.similarity": {"min": 0.2}})
    score_inputs = {k: v for k, v in run[1].items() if k != "score"}
    assert digest(ScoreStage(), strict, score_inputs) == digest(ScoreStage(), config(), score_inputs)
    assert digest(SelectStage(), strict, run[1]) != digest(SelectStage(), config(), run[1])
    predicted = sum(
        1 for r in rows(run[1]["score"], "placements") if r["scored"] and r["image_min_side"] >= 150 and r["pair_similarity"] < 0.2
    )
    done = select(run, tmp_path, config({**RULES, "pair.similarity": {"min": 0.2}}, copies_max=0))
    assert done.manifest.counts["images"].dropped["pair.similarity.below"] == predicted
    text_rule = config({**RULES, "paragraph.word_count": {"min": 9}})
    assert digest(SelectStage(), text_rule, run[1]) == digest(SelectStage(), config(), run[1])  # decided in extract, whose digest differs


def test_either_rule_may_save_an_image(run, tmp_path):
    filters = {"image.size": {"min": 10_000}, "pair.similarity": {"min": 0.115}}
    none = select(run, tmp_path / "and", config(filters))
    some = select(run, tmp_path / "or", config(filters, combine="or", copies_max=0))
    assert none.manifest.counts["images"].kept == 0 and some.manifest.counts["images"].kept > 20
    assert all(r["reasons"] for u, r in by_url(run, some).items() if u in run[0].wrong and r["reasons"][:1] == ["image.size.below"])


def test_shadow_rules_watch(run, tmp_path):
    done = select(run, tmp_path, config({**RULES, "image.entropy": {"min": 8.0, "shadow": True}}))
    kept = [r for r in rows(done, "verdicts") if r["kept"]]
    assert kept and all(r["shadow_reasons"] == ["image.entropy.below"] for r in kept)


def test_evaluation_images_go(run, tmp_path):
    url = next(u for u, r in by_url(run, select(run, tmp_path / "plain", config())).items() if r["kept"])
    row = next(r for r in rows(run[1]["score"], "placements") if r["image_id"] == image_id(url))
    (tmp_path / "bench.sha256").write_text(row["sha256"] + "\n")
    done = select(run, tmp_path / "run", config(evaluation_sets=[str(tmp_path / "bench.sha256")]))
    assert by_url(run, done)[url]["reasons"][0] == "image.contaminated"


def test_splits_are_by_hash_and_near_their_share(run, tmp_path):
    done = select(run, tmp_path, config({}, validation_share=0.4, copies_max=0))
    splits = [r["split"] for r in rows(done, "selected") if r["kept"]]
    assert set(splits) == {"train", "val"} and 0.2 < splits.count("val") / len(splits) < 0.6
    by_domain = select(run, tmp_path / "d", config({}, validation_share=0.5, split_by="domain", copies_max=0))
    domains: dict[str, set[str]] = {}
    page = {d.doc_id: d.domain for d in run[0].documents}
    for r in rows(by_domain, "selected"):
        if r["kept"]:
            domains.setdefault(page[r["doc_id"]], set()).add(r["split"])
    assert all(len(s) == 1 for s in domains.values())


def test_assignment_gives_each_text_one_image(run, tmp_path):
    done = select(run, tmp_path, config(assignment=True, copies_max=0))
    given = rows(done, "assignments")
    places = [(r["unit"], r["row"], r["text_index"]) for r in given]
    assert given and len(places) == len(set(places))


def test_pictures_that_mean_the_same_go_and_name_the_one_that_stays(run, tmp_path):
    import numpy as np

    score = run[1]["score"]
    vectors = {r["image_id"]: np.array(r["vector"]) for r in rows(score, "embeddings")}
    done = select(run, tmp_path / "run", config({}, semantic_distance=0.1))
    verdicts = rows(done, "verdicts")
    named = {r["image_id"]: r["duplicate_of"] for r in rows(done, "node_decisions") if r["reason"] == "image.duplicate.semantic"}
    stay = {r["image_id"] for r in verdicts if not r["reasons"]} & set(vectors)
    assert 0 < len(named) < len(vectors) and done.manifest.counts["images"].missing() == 0
    assert all(float(vectors[i] @ vectors[of]) > 0.9 and of in stay for i, of in named.items())
    among = sorted(stay)
    similar = np.stack([vectors[i] for i in among]) @ np.stack([vectors[i] for i in among]).T
    assert (similar - 2 * np.eye(len(among))).max() <= 0.9 + 1e-6
    with pytest.raises(StageError, match="score.embeddings = true"):
        bare = replace(score.manifest, tables={k: v for k, v in score.manifest.tables.items() if k != "embeddings"})
        execute(SelectStage(), str(tmp_path / "none"), config(semantic_distance=0.1), {**run[1], "score": Done(score.root, bare)})


def from_toml(select_table: str, filters: dict | None = None) -> Config:
    """As an operator writes it."""
    from pipelines.settings.config import dump, parse

    text = re.sub(r"(?ms)^\[select\].*?(?=^\[)", "", dump(config(filters)), count=1)
    return parse(f"{text}\n[select]\n{select_table}\n", "test.toml")


def test_datacomp_keeps_what_image_rules_and_the_best_share_both_keep(run, tmp_path):
    """Its preset from TOML: image rules AND the best 30 % of the pairs that they leave."""
    done = select(run, tmp_path / "and", from_toml('preset = "datacomp"\ncopies_max = 0', {"image.size": {"min": 200}}))
    scored = [r for r in rows(run[1]["score"], "placements") if r["scored"]]
    verdicts = {(r["doc_id"], r["index"]): r["reasons"] for r in rows(done, "verdicts")}
    big = [r for r in scored if r["image_min_side"] >= 200]
    assert 0 < len(big) < len(scored)
    ranked = sorted(big, key=lambda r: -r["pair_similarity"])
    n = round(0.3 * len(big))
    least = ranked[n - 1]["pair_similarity"]
    kept = [r for r in scored if not verdicts[(r["doc_id"], r["index"])]]
    assert len(kept) == n and all(r["image_min_side"] >= 200 and r["pair_similarity"] >= least for r in kept)
    either = select(run, tmp_path / "or", from_toml('preset = "datacomp"\ncombine = "or"\ncopies_max = 0', {"image.size": {"min": 200}}))
    best = {(r["doc_id"], r["index"]) for r in sorted(scored, key=lambda r: -r["pair_similarity"])[: round(0.3 * len(scored))]}
    for r in rows(either, "verdicts"):
        key = (r["doc_id"], r["index"])
        row = next((x for x in scored if (x["doc_id"], x["index"]) == key), None)
        if row is not None:
            assert bool(r["reasons"]) == (row["image_min_side"] < 200 and key not in best)


def test_clusters_without_a_reference_picture_go_and_take_nothing_from_the_share(run, tmp_path):
    """DataComp's image-based filter: reference = the vectors of three pictures; what stays lies in their clusters."""
    import numpy as np

    from pipelines.dedup.images import nearest, spherical_kmeans

    score = run[1]["score"]
    vectors = {r["image_id"]: np.array(r["vector"], np.float32) for r in rows(score, "embeddings")}
    chosen = sorted(vectors)[:3]
    np.save(tmp_path / "wanted.npy", np.stack([vectors[i] for i in chosen]))
    toml = f'cluster_reference = "{tmp_path / "wanted.npy"}"\nclusters = 8\ncopies_max = 0\n'
    done = select(run, tmp_path / "run", from_toml(toml, {}))
    gone = {r["image_id"] for r in rows(done, "verdicts") if r["reasons"] == ["image.cluster.unlike"]}
    sha = {r["image_id"]: r["sha256"] for r in rows(score, "placements")}
    names = sorted({sha[i] for i in vectors})
    of = {sha[i]: vectors[i] for i in sorted(vectors, reverse=True)}
    unit = np.stack([of[n] / np.linalg.norm(of[n]) for n in names])
    centre, _ = spherical_kmeans(unit, 8)
    place = dict(zip(names, nearest(unit, centre).tolist(), strict=True))
    wanted = {place[sha[i]] for i in chosen}
    assert gone == {i for i in vectors if place[sha[i]] not in wanted} and 0 < len(gone) < len(vectors)
    share = select(run, tmp_path / "share", from_toml(toml + "keep_fraction = 0.5", {}))
    plain = select(run, tmp_path / "plain", from_toml("keep_fraction = 0.5\ncopies_max = 0", {}))
    assert share.manifest.facts["cuts"] == plain.manifest.facts["cuts"]
    both = {r["image_id"] for r in rows(share, "verdicts") if not r["reasons"]}
    assert both == {r["image_id"] for r in rows(plain, "verdicts") if not r["reasons"]} - gone
    np.save(tmp_path / "wanted.npy", np.zeros((2, 3), np.float32))
    with pytest.raises(Exception, match="reference vectors have 3 numbers"):
        select(run, tmp_path / "short", from_toml(toml, {}))


def test_mmc4_from_toml_assigns_at_the_greatest_total(run, tmp_path):
    """Every text at most one image, of the total that trying all assignments gives; images without a text of their own go if asked."""
    from itertools import permutations

    done = select(run, tmp_path, from_toml('preset = "mmc4"\nassignment_drop = true\ncopies_max = 0', {"image.size": {"min": 150}}))
    verdicts = {(r["doc_id"], r["index"]): r["reasons"] for r in rows(done, "verdicts")}
    given: dict[str, dict[int, tuple[int, float]]] = {}
    for r in rows(done, "assignments"):
        given.setdefault(r["doc_id"], {})[r["index"]] = (r["text_index"], r["similarity"])
    shared = 0
    by_document: dict[str, dict[int, dict[int, float]]] = {}
    for p in rows(run[1]["score"], "pairs"):
        if not {*verdicts[(p["doc_id"], p["index"])]} - {"image.assignment.none"}:
            by_document.setdefault(p["doc_id"], {})[p["index"]] = {
                t["index"]: t["similarity"] for t in sorted(p["texts"], key=lambda t: t["similarity"])
            }
    for doc, images in by_document.items():
        texts = sorted({t for own in images.values() for t in own})
        shared += len(texts) < sum(len(own) for own in images.values())
        options = [*texts, *[None] * len(images)]
        best = max(
            (sum(1 for t in choice if t is not None), sum(own[t] for own, t in zip(images.values(), choice, strict=True) if t is not None))
            for choice in {*permutations(options, len(images))}
            if all(t is None or t in own for own, t in zip(images.values(), choice, strict=True))
        )
        mine = given.get(doc, {})
        assert len(mine) == best[0] and sum(s for _, s in mine.values()) == pytest.approx(best[1])
        assert len({t for t, _ in mine.values()}) == len(mine)
        assert all(verdicts[(doc, i)] == ([] if i in mine else ["image.assignment.none"]) for i in images)
    assert shared > 3  # texts between two images, which both want


@pytest.mark.parametrize("per_language", [False, True])
def test_each_language_may_have_its_own_share(run, tmp_path, per_language):
    cfg = from_toml(f"keep_fraction = 0.5\nkeep_per_language = {str(per_language).lower()}\ncopies_max = 0")
    score = inputs_in_two_languages(run, tmp_path)
    done = execute(SelectStage(), str(tmp_path / "run"), cfg, {**run[1], "score": score}).done
    verdicts = {(r["doc_id"], r["index"]): r for r in rows(done, "verdicts")}
    scored = [r for r in rows(score, "placements") if r["scored"] and r["image_min_side"] >= 150]
    shares = {}
    for language in ("en", "de"):
        own = [r for r in scored if r["language"] == language]
        shares[language] = (sum(not verdicts[(r["doc_id"], r["index"])]["reasons"] for r in own), round(0.5 * len(own)))
    assert sum(kept for kept, _ in shares.values()) in (round(0.5 * len(scored)), sum(n for _, n in shares.values()))
    assert all(kept == asked for kept, asked in shares.values()) == per_language


def inputs_in_two_languages(run, where: Path, to: float = 0.0) -> Done:
    """The scores with a half of the pages called German, and German pairs half as similar, as for a model that knows English best.
    `to`: similarities as multiples of it."""
    import pyarrow.compute as pc

    score = run[1]["score"]
    for path in score.paths("placements"):
        t = storage.read_table(path)
        german = pc.equal(pc.bit_wise_and(t["row"], 1), 1)
        t = t.set_column(t.column_names.index("language"), "language", pc.if_else(german, "de", "en"))
        halved = pc.if_else(german, pc.multiply(t["pair_similarity"], 0.5), t["pair_similarity"])
        halved = pc.multiply(pc.round(pc.divide(halved, to)), to) if to else halved
        t = t.set_column(t.column_names.index("pair_similarity"), "pair_similarity", halved)
        storage.write_table(str(where / "score"), str(Path(path).relative_to(score.root)), t)
    return Done(str(where / "score"), score.manifest)


def test_presets_fill_only_what_is_not_set():
    assert SelectSettings(preset="datacomp").keep_fraction == 0.3
    assert SelectSettings(preset="datacomp", keep_fraction=0.2).keep_fraction == 0.2
    assert SelectSettings(preset="obelics").keep_fraction is None and SelectSettings(preset="mmc4").assignment
