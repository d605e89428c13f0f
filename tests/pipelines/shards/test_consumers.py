"""Stock readers of other projects read every sample of the shards unchanged: text, order, nulls, image bytes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.shards.export.source import everything, manifest_of

HERE = Path(__file__).parent
PEERS = Path(os.environ.get("WEFT_PEERS", Path(__file__).resolve().parents[3] / ".peers"))  # `make peers` fills it


@pytest.fixture(scope="module", params=["made", pytest.param("demo", marks=pytest.mark.slow), pytest.param("real", marks=pytest.mark.slow)])
def published(request, tmp_path_factory):
    """A published run: of made documents, of the demo web, of real pages. WEFT_DEMO_RUN and WEFT_REAL_RUN name runs already made."""
    if request.param == "made":
        return request.getfixturevalue("packed_run")[1]
    if given := os.environ.get(f"WEFT_{request.param.upper()}_RUN"):
        return Path(given)
    out = tmp_path_factory.mktemp(request.param)
    if request.param == "demo":
        command, run = ["weft.main", "demo", "--no-train", "--pages", "100", "-o", str(out)], out / "run"
    else:
        command, run = ["benchmarks.real", str(request.getfixturevalue("shared_data")), "-o", str(out)], out
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, timeout=540, cwd=HERE.parents[2])
    assert done.returncode == 0, done.stderr[-2000:]
    return run


@pytest.fixture(scope="module")
def expected(published):
    run = str(published)
    found = {s.record["doc_id"]: s for s in everything(run, manifest_of(run))}
    assert len(found) >= 20 and any(None in s.record["images"] and any(s.record["images"]) for s in found.values())
    return found


def order_of(sample):
    """The pieces of a document as they stand on the page: text, or the sha256 of an image's bytes."""
    record = sample.record
    pairs = zip(record["texts"], record["images"], strict=True)
    return [t if n is None else hashlib.sha256(sample.images[n]).hexdigest() for t, n in pairs]


def read(python, script, folder):
    done = subprocess.run([str(python), str(HERE / script), str(folder)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def peer(name):
    python = PEERS / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed beside the project (`make peers`, or WEFT_PEERS)")
    return python


@pytest.mark.parametrize("version", ["installed", "webdataset1"])
def test_webdataset(published, expected, version):
    if version == "installed":
        pytest.importorskip("webdataset")
    found = read(Path(sys.executable) if version == "installed" else peer(version), "read_wds.py", published / "shards")["documents"]
    assert set(found) == set(expected)
    for key, got in found.items():
        sample = expected[key]
        assert (got["texts"], got["images"]) == (sample.record["texts"], sample.record["images"])
        assert got["sha256"] == {n: hashlib.sha256(b).hexdigest() for n, b in sample.images.items()}
        assert list(got["sha256"].values()) == [s for s in sample.record["image_sha256"] if s]


def test_wids(published, expected):
    wids = pytest.importorskip("wids", reason="webdataset 1.x no longer ships wids")
    seen = {}
    for name in ("weft.wids.json", "weft-val.wids.json"):
        folder = published / "shards"
        if not (folder / name).exists():
            continue  # no document fell into that split
        listing = json.loads((folder / name).read_text())["shardlist"]
        rows = [{**s, "url": str(folder / s["url"])} for s in listing]
        for s in listing:
            assert (folder / s["url"]).stat().st_size == s["filesize"]
        data = wids.ShardListDataset(rows, transformations=[])
        for i in range(len(data)):
            sample = data[i]
            seen[sample["__key__"]] = {k.lstrip("."): v.read() for k, v in sample.items() if not k.startswith("__")}
    assert set(seen) == set(expected)
    for key, files in seen.items():
        assert json.loads(files.pop("json")) == expected[key].record
        assert {f"{key}.{ending}": data for ending, data in files.items()} == expected[key].images


def test_energon_with_its_cooker(published, expected, tmp_path):
    folder = shutil.copytree(published / "shards", tmp_path / "shards")
    found = read(peer("energon"), "read_energon.py", folder)
    assert found == {key: order_of(sample) for key, sample in expected.items()}


def test_nemo_curators_interleaved_reader(published, expected):
    found = read(peer("nemo"), "read_nemo.py", published / "shards")
    assert found == {key: order_of(sample) for key, sample in expected.items()}


def test_hugging_face_loads_the_folder_without_arguments(published, expected, tmp_path):
    datasets = pytest.importorskip("datasets")
    loaded = datasets.load_dataset(str(published / "shards"), cache_dir=str(tmp_path))
    splits = {s.split for s in manifest_of(str(published)).shards}
    assert set(loaded) == {{"train": "train", "val": "validation"}[s] for s in splits}
    found = {}
    for split in loaded.values():
        as_bytes = {n: datasets.Image(decode=False) if isinstance(f, datasets.Image) else f for n, f in split.features.items()}
        plain = split.cast(datasets.Features(as_bytes))  # at once: real pages have images at hundreds of positions
        found |= {row["__key__"]: row for row in plain}
    assert set(found) == set(expected)
    for key, row in found.items():
        assert row["json"] == expected[key].record
        got = {f"{key}.{n}": v["bytes"] for n, v in row.items() if n[0].isdigit() and v is not None}
        assert got == expected[key].images


def test_plain_tar_tools_list_members_in_order(published):
    import tarfile

    for path in sorted((published / "shards").glob("*.tar")):
        with tarfile.open(path) as t:
            names = t.getnames()
        keys = [n.split(".")[0] for n in names]
        assert keys == sorted(keys)
        positions = [(-1 if n.endswith(".json") else int(n.split(".")[1])) for n in names]
        pairs = list(zip(keys, positions, strict=True))
        assert all(a < b for (k, a), (m, b) in zip(pairs, pairs[1:], strict=False) if k == m)
