"""Stage pack: nothing lost, same bytes whatever the workers, a lost image never a silent hole."""

import errno
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.shards import fill
from pipelines.stage import StageContext, execute
from pipelines.stages import pack
from pipelines.stages.pack import PackStage
from schemas.rows import IMAGE, TEXT
from tests.support.tables import FakeRun, packed, small


def documents(root: Path):
    out = {}
    for path in sorted(root.glob("shards/*.index.parquet")):
        tar = path.with_name(path.name.replace(".index.parquet", ".tar")).read_bytes()
        for r in pq.read_table(path).to_pylist():
            files = {m["name"]: tar[m["offset"] : m["offset"] + m["size"]] for m in r["members"]}
            out[r["key"]] = (json.loads(files.pop(f"{r['key']}.json")), files, path.name)
    return out


def hashes(done):
    return {t: [(p.path, p.sha256) for p in done.manifest.tables[t]] for t in ("shards", "index", "energon")}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("one") / "run", 40)


def test_every_kept_document_is_in_a_shard_as_it_was_on_the_page(one):
    run, done = one
    found = documents(Path(done.root))
    assert set(found) == {d.doc_id for d, _ in run.kept()}
    assert all(c.missing() == 0 for c in done.manifest.counts.values())
    for d, split in run.kept():
        record, files, shard = found[d.doc_id]
        alive = [n for n in d.nodes if not n.reason and n.role != "end"]
        assert record["texts"] == [n.text if n.kind == TEXT else None for n in alive]
        assert record["node_index"] == [n.index for n in alive]
        for i, n in enumerate(alive):
            assert (record["images"][i] is None) == (n.kind == TEXT)
            if n.kind == IMAGE:
                assert files[record["images"][i]] == run.images[n.image_id][1]
                assert (record["image_url"][i], record["image_alt"][i]) == (n.url, n.alt)
                assert record["image_clip_score"][i] == (round(0.1 + n.index / 50, 4) if n.index % 5 else None)
        assert record["url"] == d.url and record["warc_offset"] == d.warc_offset and record["quality"]["doc_words"] == len(d.nodes)
        assert shard.startswith("weft-val-") == (split == "val")


def test_two_workers_and_repeated_passes_write_the_same_bytes(one, tmp_path):
    _, done = one
    run = FakeRun(str(tmp_path / "two"), 0).fill(40)
    config = small()
    config = config.model_copy(update={"runner": config.runner.model_copy(update={"workers": 2})})
    inputs = run.write(config)
    other = execute(PackStage(), run.root, config, inputs).done
    assert hashes(other) == hashes(done)
    ctx = StageContext(run.root, other.root, config, inputs, {g: p for g, p in other.manifest.parts.items()})
    for work, group in ((pack.Rows(ctx), "rows"), (pack.Shard(ctx), "shard"), (pack.Packed(ctx), "unit")):
        for part in ctx.groups[group]:
            work(part)  # as an engine may that retries a bundle
    assert {p.name for p in Path(other.root, "shards").iterdir()} == {p.name for p in Path(done.root, "shards").iterdir()}


def test_the_split_into_units_does_not_matter(one, tmp_path):
    run, done = one
    again = FakeRun(str(tmp_path / "u"), 0, units=3).fill(40)
    # the same documents, spread over three units instead of two
    everything = sorted((x for u in run.documents for x in u), key=lambda x: x[0].doc_id)
    again.documents, again.images = [everything[i::3] for i in range(3)], run.images
    config = small(measures=False)
    other = execute(PackStage(), again.root, config, again.write(config)).done
    plain = FakeRun(str(tmp_path / "p"), 0).fill(40)
    ref = execute(PackStage(), plain.root, config, plain.write(config)).done
    assert hashes(other) == hashes(ref)


def test_of_many_units_the_rows_are_gathered_first_and_nothing_else_changes(tmp_path, monkeypatch):
    def run(name):
        made = FakeRun(str(tmp_path / name), 0, units=5).fill(40)
        config = small()
        return execute(PackStage(), made.root, config, made.write(config)).done

    plain = run("plain")
    monkeypatch.setattr("pipelines.stages.pack.FEW_UNITS", 2)
    monkeypatch.setattr("pipelines.stages.pack.MANY_GATHERED", 1)
    monkeypatch.setattr(
        "pipelines.stages.pack.shard_rows", None
    )  # a shard that opened the units' own files would be quadratic: it does not
    many = run("many")
    assert "gather" not in plain.manifest.parts and len(many.manifest.parts["gather"]) == 3
    assert hashes(many) == hashes(plain) and many.manifest.counts == plain.manifest.counts
    assert not Path(many.root, "work").exists()


@pytest.mark.parametrize("how", ["corrupt", "truncated", "missing"])
def test_a_lost_image_drops_its_documents_with_a_reason_and_a_dead_letter(tmp_path, how):
    run = FakeRun(str(tmp_path / "run"), 5).fill(20)
    config = small()
    inputs = run.write(config)
    blob = sorted(Path(inputs["fetch"].root, "blobs").iterdir())[0]
    data = bytearray(blob.read_bytes())
    if how == "corrupt":
        data[10] ^= 1
        blob.write_bytes(data)
    elif how == "truncated":
        blob.write_bytes(data[: len(data) // 2])
    else:
        blob.unlink()
    done = execute(PackStage(), run.root, config, inputs).done
    counts = done.manifest.counts
    lost = counts["documents"].dropped["document.image_lost"]
    assert lost > 0 and counts["images"].dead == lost and all(c.missing() == 0 for c in counts.values())
    table = pa.concat_tables(done.read("packed", u) for u in done.manifest.parts["unit"])
    gone = {r["doc_id"] for r in table.to_pylist() if r["reason"] == "document.image_lost"}
    assert len(gone) == lost and not gone & set(documents(Path(done.root)))
    dead = pa.concat_tables(pq.read_table(p) for p in done.paths("dead")).to_pylist()
    assert {d["kind"] for d in dead} <= {"corrupt", "missing"} and all(d["path"].startswith("blobs/") and d["id"] for d in dead)


def test_it_resumes_after_a_death_in_a_shard_with_the_same_bytes(one, tmp_path, monkeypatch):
    run = FakeRun(str(tmp_path / "run"), 0).fill(40)
    inputs = run.write(small())
    real, calls = pack.fill, []

    def dying(*args):
        calls.append(1)
        if len(calls) == 4:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(pack, "fill", dying)
    with pytest.raises(Exception, match="No space"):
        execute(PackStage(), run.root, small(), inputs)
    monkeypatch.setattr(pack, "fill", real)
    done = execute(PackStage(), run.root, small(), inputs).done
    assert hashes(done) == hashes(one[1])
    assert not [p for p in Path(done.root).rglob("*.tmp")]


def test_a_picture_that_cannot_be_read_now_is_not_given_up(one, tmp_path, monkeypatch):
    """A disk or a store that fails for a moment ends the attempt; what it holds is in the next one."""
    run = FakeRun(str(tmp_path / "run"), 0).fill(40)
    inputs = run.write(small())
    real, calls = fill.Blobs.read, []

    def failing(self, place):
        calls.append(1)
        if len(calls) == 7:
            raise OSError(errno.EIO, "Input/output error")
        return real(self, place)

    monkeypatch.setattr(fill.Blobs, "read", failing)
    with pytest.raises(OSError, match=r"Input/output error.*blobs/"):
        execute(PackStage(), run.root, small(), inputs)
    done = execute(PackStage(), run.root, small(), inputs).done
    assert hashes(done) == hashes(one[1]) and not done.paths("dead")


def test_images_are_shrunk_and_encoded_anew_only_if_asked(tmp_path):
    from pipelines.images.header import read

    _, done = packed(tmp_path / "run", 8, reencode="webp", max_side=64)
    for record, files, _ in documents(Path(done.root)).values():
        for i, name in enumerate(record["images"]):
            if name:
                head = read(files[name])
                assert name.endswith(".webp") and head.format == "webp" and max(head.upright) <= 64
                assert (record["image_width"][i], record["image_height"][i]) == head.upright
    assert "pillow" in json.loads(done.manifest.config["codec"])


def test_faces_are_blurred_if_asked_and_other_pictures_keep_their_bytes(tmp_path):
    import hashlib

    from tests.pipelines.images.test_faces import face, faces_in, saved

    run = FakeRun(str(tmp_path / "run")).fill(6)
    key, (url, _) = next(iter(run.images.items()))
    run.images[key] = (url, saved(face(), "JPEG"))
    done = execute(PackStage(), run.root, small(blur_faces=True), run.write(small(blur_faces=True))).done
    fetched = {hashlib.sha256(data).hexdigest() for _, data in run.images.values()}
    stored = [data for _, files, _ in documents(Path(done.root)).values() for data in files.values()]
    new = {data for data in stored if hashlib.sha256(data).hexdigest() not in fetched}
    assert new and len(new) == 1 and faces_in(new.pop()) == 0 and len({*stored}) > 3
    assert "opencv" in json.loads(done.manifest.config["codec"])
