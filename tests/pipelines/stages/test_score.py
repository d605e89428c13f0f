"""Stage score: every image of the input in the books, the same numbers for any units and workers, nothing loaded that is not needed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import storage
from pipelines.settings.config import Config, build
from pipelines.shards.export import embeddings
from pipelines.stage import Done, StageError, digest, execute
from pipelines.stages import score
from pipelines.stages.score import ScoreStage
from schemas.ids import image_id
from schemas.manifest import Count
from tests.support.pictures import encoded, scene
from tests.support.scored_run import Web, demo_clip


def config(score: dict | None = None, workers: int = 1, clip: bool = True, **sections: object) -> Config:
    own = {"neighbours": 1, **({"clip": demo_clip()} if clip else {}), **(score or {})}
    return build({"runner": {"workers": workers}, "score": own, **sections}, "test")


def rows(done: Done, table: str) -> list[dict]:
    return pa.concat_tables([storage.read_table(p) for p in done.paths(table)]).to_pylist()


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    root = tmp_path_factory.mktemp("scored")
    web = Web()
    truncated = encoded(scene(300, 300), "PNG")[:2000]
    web.extra = {  # type: ignore[attr-defined]
        "broken": web.put(truncated), "html": web.put(b"<html>not here</html>"), "tiff": web.put(encoded(scene(20, 20), "TIFF")),
        "tiny": web.put(encoded(scene(30, 30), "PNG")), "gone": web.put(b"", status="HTTP 404"), "empty": web.put(b""),
    }  # fmt: skip
    inputs = web.write(root)
    done = execute(ScoreStage(), str(root / "run"), config({"shadow_share": 0.0, "embeddings": True}), inputs).done
    return web, inputs, done, root


def test_the_books_balance_and_every_image_has_its_place(scored):
    web, _, done, _ = scored
    count = done.manifest.counts["image_urls"]
    assert count == Count(len(web.bytes) - 1, len(web.bytes) - 5, {"image.header.unreadable": 2, "image.header.format": 1}, 1)
    placements = {p["image_id"]: p for p in rows(done, "placements")}
    assert len(placements) == len(web.bytes)
    extra = {k: placements[image_id(u)] for k, u in web.extra.items()}
    assert extra["broken"]["reason"] == "image.decode.failed" and extra["gone"]["status"] == "HTTP 404"
    assert extra["tiny"]["reason"] == "" and not extra["tiny"]["scored"] and extra["tiny"]["image_min_side"] == 30
    (dead,) = rows(done, "dead")
    assert dead["id"] == image_id(web.extra["broken"]) and dead["kind"] == "OSError" and "truncated" in dead["message"]


def test_right_captions_score_above_wrong_ones(scored):
    web, _, done, _ = scored
    pairs = {p["image_id"]: p for p in rows(done, "pairs")}
    right = [pairs[image_id(u)]["pair_similarity"] for u in web.bytes if u not in web.wrong and image_id(u) in pairs]
    wrong = [pairs[image_id(u)]["pair_similarity"] for u in web.wrong]
    assert len(right) > 30 and len(wrong) > 8
    limit = 0.115  # configs/demo.toml
    assert sum(x >= limit for x in right) >= 0.95 * len(right) and sum(x < limit for x in wrong) >= 0.9 * len(wrong)
    assert all(round(x, 4) == x for x in right)
    margins = [pairs[image_id(u)]["pair_margin"] for u in web.bytes if u not in web.wrong and image_id(u) in pairs]
    assert min(margins) > 0.2
    assert {p["best_kind"] for p in pairs.values()} <= {"caption", "alt", "before", "after"}


def test_model_and_weights_are_on_record_and_vectors_on_request(scored):
    _, _, done, _ = scored
    facts = done.manifest.facts["clip"]
    weights = demo_clip()["pretrained"]
    assert facts["weights_sha256"] == storage.sha256_of(str(weights)) and facts["dtype"] == "float32"
    vectors = rows(done, "embeddings")
    assert {len(v["vector"]) for v in vectors} == {64} and len(vectors) == done.manifest.facts["pairs"]
    assert abs(sum(x * x for x in vectors[0]["vector"]) - 1) < 1e-5


def test_vectors_as_one_array_with_the_image_of_each_row(scored, tmp_path):
    from pipelines.shards.export.source import ExportError
    from weft.main import main

    _, _, done, root = scored
    storage.write_bytes(str(root / "run/stages/current.json"), json.dumps({"score": done.manifest.digest}).encode())
    assert main(["export", str(root / "run"), "--format", "npy", "-o", str(tmp_path / "out")]) == 0
    array = np.load(tmp_path / "out/vectors.npy", allow_pickle=False)
    listed = pq.read_table(tmp_path / "out/images.parquet").to_pylist()
    stored = {r["image_id"]: r["vector"] for r in rows(done, "embeddings")}
    urls = {r["image_id"]: r["url"] for r in rows(done, "images")}
    assert array.dtype == np.float32 and array.shape == (len(stored), 64) and len(listed) == len(stored)
    assert all(
        np.array_equal(array[i], np.float32(stored[r["image_id"]])) and r["url"] == urls[r["image_id"]] for i, r in enumerate(listed)
    )
    assert json.loads((tmp_path / "out/model.json").read_text())["weights_sha256"] == done.manifest.facts["clip"]["weights_sha256"]
    with pytest.raises(ExportError, match="nothing has been scored yet"):
        embeddings.export(str(tmp_path / "none"), str(tmp_path / "new"))


def test_units_and_their_order_do_not_change_a_number(scored, tmp_path):
    web, _, done, _ = scored
    inputs = web.write(tmp_path, units=("00000", "00001", "00002"), reverse=True)
    again = execute(ScoreStage(), str(tmp_path / "run"), config({"shadow_share": 0.0, "embeddings": True}), inputs).done
    key = lambda r: (r["doc_id"], r["index"])  # noqa: E731
    measures = ("pair_similarity", "pair_margin", "best_index", "best_kind")
    one, two = (
        sorted(({**{m: r[m] for m in measures}, "k": key(r)} for r in rows(d, "pairs")), key=lambda r: r["k"]) for d in (done, again)
    )
    assert one == two
    images = ("pdq", "phash", "image_entropy", "sha256", "first_reason")
    assert [[r[c] for c in images] for r in rows(done, "images")] == [[r[c] for c in images] for r in rows(again, "images")]


def test_into_how_many_parts_images_are_dealt_does_not_change_a_byte(scored, tmp_path, monkeypatch):
    _, inputs, done, _ = scored
    monkeypatch.setattr(score, "IMAGES_PER_PARTITION", 3)
    other = execute(ScoreStage(), str(tmp_path / "run"), config({"shadow_share": 0.0, "embeddings": True}), inputs).done
    assert inputs["fetch"].manifest.rows("urls") > 12 and other.manifest.tables == done.manifest.tables


@pytest.mark.slow  # starts six worker processes that import torch
def test_two_workers_write_the_same_bytes(scored, tmp_path):
    web, inputs, done, _ = scored
    other = execute(ScoreStage(), str(tmp_path / "run"), config({"shadow_share": 0.0, "embeddings": True}, workers=2), inputs).done
    assert other.manifest.tables == done.manifest.tables


def test_limits_of_rules_leave_the_stage_alone_but_what_is_measured_does_not(scored):
    _, inputs, _, _ = scored
    base = digest(ScoreStage(), config(), inputs)
    assert base == digest(ScoreStage(), config(filters={"pair.similarity": {"min": 0.4}, "image.size": {"min": 500}}), inputs)
    assert base == digest(ScoreStage(), config({"batch": 3, "decoders": 2}), inputs)
    assert base != digest(ScoreStage(), config(filters={"image.format": {"formats": ["png"]}}), inputs)
    assert base != digest(ScoreStage(), config({"neighbours": 2}), inputs)
    assert base != digest(ScoreStage(), config({"clip": demo_clip(dtype="bfloat16")}), inputs)


def test_without_a_model_everything_but_pairs_is_measured(scored, tmp_path):
    _, inputs, _, _ = scored
    done = execute(ScoreStage(), str(tmp_path / "run"), config(clip=False), inputs).done
    assert done.manifest.rows("pairs") == 0 and "clip" not in done.manifest.facts
    assert any(r["image_entropy"] for r in rows(done, "placements"))


def test_the_sample_of_rejects_is_scored_and_marked(scored, tmp_path):
    web, inputs, _, _ = scored
    done = execute(ScoreStage(), str(tmp_path / "run"), config({"shadow_share": 1.0}), inputs).done
    tiny = next(p for p in rows(done, "pairs") if p["image_id"] == image_id(web.extra["tiny"]))
    assert tiny["shadow"] and tiny["sample_rate"] == 1.0 and tiny["pair_similarity"] is not None


def test_a_listed_picture_stops_the_line_and_goes_no_further(scored, tmp_path):
    web, inputs, done, _ = scored
    url = sorted(web.bytes)[0]
    pdq = next(r["pdq"] for r in rows(done, "images") if r["url"] == sorted(web.bytes)[1])
    (tmp_path / "known.sha256").write_text("# a test list\n" + hashlib.sha256(web.bytes[url]).hexdigest() + "  name\n")
    (tmp_path / "known.pdq").write_text(f"{int(pdq, 16) ^ 0b1011:064x}\n")
    lists = {"hash_lists": [str(tmp_path / "known.sha256"), str(tmp_path / "known.pdq")], "embeddings": True}
    with pytest.raises(StageError, match=r"ALERT: \d+ images .*docs/images.md"):
        execute(ScoreStage(), str(tmp_path / "run"), config(lists), inputs)
    dropped = execute(ScoreStage(), str(tmp_path / "run"), config({**lists, "hash_list_action": "drop"}), inputs).done
    listed = [r for r in rows(dropped, "images") if r["first_reason"] == "image.hash_list"]
    assert {url, sorted(web.bytes)[1]} <= {r["url"] for r in listed}
    assert all(r["pdq"] == "" and r["image_entropy"] is None and not r["kept"] for r in listed)
    assert not {r["image_id"] for r in listed} & (
        {r["image_id"] for r in rows(dropped, "embeddings")} | {p["image_id"] for p in rows(dropped, "pairs")}
    )


def test_a_scorer_that_is_plugged_in_measures(scored, tmp_path, monkeypatch):
    _, inputs, _, _ = scored
    (tmp_path / "weft_test_scorer.py").write_text("def make():\n    return lambda pictures: [float(p.mean()) / 255 for p in pictures]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    done = execute(ScoreStage(), str(tmp_path / "run"), config({"nsfw": "weft_test_scorer:make"}, clip=False), inputs).done
    values = [r["image_nsfw"] for r in rows(done, "images") if r["kept"] and r["image_min_side"] >= 100]
    assert values and all(0 <= v <= 1 for v in values)


def test_importing_the_stage_loads_no_torch():
    code = "import sys, pipelines.stages.score, pipelines.stages.select; sys.exit('torch' in sys.modules or 'open_clip' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
