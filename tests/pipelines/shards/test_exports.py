"""Exports, each read back by the tool it is for."""

import base64
import csv
import json

import pytest

from pipelines.shards.export import cards, croissant, eu, hf, m4, mmc4, pairs, parquet
from pipelines.shards.export.source import ExportError, everything, manifest_of


@pytest.fixture(scope="module")
def expected(packed_run):
    run = str(packed_run[1])
    return {s.record["doc_id"]: s for s in everything(run, manifest_of(run))}


def wds_samples(folder):
    wds = pytest.importorskip("webdataset")
    return list(wds.WebDataset(sorted(map(str, folder.glob("*.tar"))), shardshuffle=False))


def test_hf_parquet_loads_without_arguments(packed_run, expected, tmp_path):
    datasets = pytest.importorskip("datasets")
    parquet.export(str(packed_run[1]), str(tmp_path / "out"))
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    seen = set()
    for split in loaded.values():
        assert isinstance(split.features["images"].feature, datasets.Image)
        for row in split.cast_column("images", datasets.List(datasets.Image(decode=False))):
            sample = expected[row["doc_id"]]
            assert row["texts"] == sample.record["texts"] and row["image_clip_score"] == sample.record["image_clip_score"]
            assert [i and i["bytes"] for i in row["images"]] == [n and sample.images[n] for n in sample.record["images"]]
            seen.add(row["doc_id"])
    assert seen == set(expected)


def test_hub_folder(packed_run, expected, tmp_path):
    datasets, out = pytest.importorskip("datasets"), tmp_path / "out"
    hf.export(str(packed_run[1]), str(out))
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert sum(len(s) for s in loaded.values()) == len(expected)
    assert (out / "croissant.json").exists() and "Datasheet" in (out / "DATASHEET.md").read_text()
    with pytest.raises(ExportError, match="not empty"):
        hf.export(str(packed_run[1]), str(out))


def test_hub_limits_are_named(packed_run, tmp_path, monkeypatch):
    monkeypatch.setattr(hf, "MAX_BYTES", 1000)
    with pytest.raises(ExportError, match="pack.shard_bytes"):
        hf.export(str(packed_run[1]), str(tmp_path / "out"))


def test_croissant_validates(packed_run, tmp_path):
    mlc = pytest.importorskip("mlcroissant")
    croissant.export(str(packed_run[1]), str(tmp_path / "out"))
    path = tmp_path / "out" / "croissant.json"
    data = mlc.Dataset(str(path))
    assert not data.metadata.issues.errors and not data.metadata.issues.warnings
    raw = json.loads(path.read_text())
    manifest = manifest_of(str(packed_run[1]))
    assert {f["@id"]: f["sha256"] for f in raw["distribution"] if "sha256" in f} == {s.tar: s.sha256 for s in manifest.shards}
    assert sum(k.startswith("rai:") for k in raw) >= 12


def test_mmc4(packed_run, expected, tmp_path):
    mmc4.export(str(packed_run[1]), str(tmp_path / "out"))
    found = {s["__key__"]: json.loads(s["json"]) for s in wds_samples(tmp_path / "out")}
    assert set(found) == set(expected)
    for key, d in found.items():
        sample = expected[key]
        assert d["text_list"] == [t for t in sample.record["texts"] if t is not None]
        assert [base64.b64decode(i["image_base64"]) for i in d["image_info"]] == [sample.images[n] for n in sample.record["images"] if n]
        assert all(len(row) == len(d["text_list"]) for row in d["similarity_matrix"]) and len(d["similarity_matrix"]) == len(
            d["image_info"]
        )
        assert all(row[i["matched_text_index"]] == max(row) for row, i in zip(d["similarity_matrix"], d["image_info"], strict=True))


def test_mmc4_uses_measured_similarities(expected):
    sample = next(s for s in expected.values() if sum(t is not None for t in s.record["texts"]) > 1)
    record = sample.record
    image = next(i for i, n in enumerate(record["images"]) if n)
    last = max(i for i, t in enumerate(record["texts"]) if t is not None)
    nodes = record["node_index"]
    made = mmc4.document(sample, {(record["doc_id"], nodes[image], nodes[last]): 0.31})
    assert made["similarity_matrix"][0][-1] == 0.31 and made["image_info"][0]["matched_text_index"] == len(made["text_list"]) - 1


def test_m4_superset(packed_run, expected, tmp_path):
    m4.export(str(packed_run[1]), str(tmp_path / "out"))
    found = wds_samples(tmp_path / "out")
    assert {s["__key__"] for s in found} == set(expected)
    for s in found:
        sample, names = expected[s["__key__"]], json.loads(s["metadata.txt"])
        present = {f"{s['__key__']}.{n}" for n in s if not n.startswith("__") and n != "json"}
        assert set(names) == present
        for i, (t, n) in enumerate(zip(sample.record["texts"], sample.record["images"], strict=True)):
            assert s[f"{i}.text.txt"].decode() == t if n is None else s[f"{i}.image.jpeg"] == sample.images[n]


def test_pairs(packed_run, expected, tmp_path):
    made = pairs.export(str(packed_run[1]), str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "sizes.json").read_text()) == made
    found = wds_samples(tmp_path / "out")
    assert len(found) == sum(made.values()) == sum(len(s.images) for s in expected.values())
    for s in found:
        key, i = s["__key__"].rsplit("_", 1)
        name = expected[key].record["images"][int(i)]
        assert s[name.rsplit(".", 1)[1]] == expected[key].images[name] and s["txt"]
    fewer = pairs.export(str(packed_run[1]), str(tmp_path / "best"), min_score=0.15)
    assert 0 < sum(fewer.values()) < sum(made.values())


def test_eu_summary_adds_up(packed_run, expected, tmp_path):
    eu.export(str(packed_run[1]), str(tmp_path / "out"))
    got = json.loads((tmp_path / "out" / "eu-summary.json").read_text())
    rows = list(csv.DictReader((tmp_path / "out" / "domains.csv").open()))
    images = sum(len(b) for s in expected.values() for b in s.images.values())
    text = sum(len(t.encode()) for s in expected.values() for t in s.record["texts"] if t)
    assert sum(int(r["image_bytes"]) for r in rows) == images == got["general"]["modalities"]["image"]["bytes"]
    assert sum(int(r["text_bytes"]) for r in rows) == text == got["general"]["modalities"]["text"]["bytes"]
    assert got["sources"]["domains"] == len({s.record["domain"] for s in expected.values()})
    assert len(got["sources"]["most_relevant_domains"]) == 1  # a tenth of seven, rounded up


def test_cards_hold_the_runs_figures(packed_run, expected, tmp_path):
    cards.export(str(packed_run[1]), str(tmp_path / "out"))
    text = (tmp_path / "out" / "README.md").read_text()
    assert f"| {len(expected)} |" in text and "site0.example" in text
