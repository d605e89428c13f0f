"""Layout: the tar's bytes, the JSON, the index."""

import hashlib
import io
import json
import struct
import tarfile
import zlib

import pyarrow.parquet as pq
import pytest

from pipelines.shards import tar
from pipelines.shards.document import Picture, loads, members
from pipelines.shards.writer import ShardError, ShardWriter
from schemas.shard import ESTIMATE, IMAGE_LISTS, parse_id, parse_name, shard_id, tokenizer_of
from tests.support.tables import picture

FIELDS = {"url": "https://a.example/", "language": "en", "domain": "a.example"}


def shown(seed, kind="jpeg", **more):
    data = picture(seed, kind)
    return Picture(data, kind, hashlib.sha256(data).hexdigest(), 10, 20, f"https://a.example/{seed}", **more)


def sample(key="0" * 32):
    pieces = ["one", shown(1, alt="x"), shown(2, "png", clip_score=0.123456789), "two é"]
    return members(key, FIELDS, pieces, {"doc_quality": 1 / 3, "other": None}, [3, 5, 6, 9])


def test_headers_are_what_tarfile_reads_and_nothing_else_is_accepted():
    block = tar.header("a.json", 700)
    with tarfile.open(fileobj=io.BytesIO(block + b"x" * 1024 + bytes(1024))) as t:
        (m,) = t.getmembers()
    assert (m.name, m.size, m.mode, m.mtime, m.uid, m.gid, m.isreg()) == ("a.json", 700, 0o644, 0, 0, 0, True)
    assert tar.parse(block) == ("a.json", 700)
    for at in range(512):
        for bit in range(8):
            damaged = bytearray(block)
            damaged[at] ^= 1 << bit
            with pytest.raises(tar.TarError):
                tar.parse(damaged)
    with pytest.raises(ValueError, match="99"):
        tar.header("n" * 100, 1)


def test_json_keeps_order_nulls_and_parallel_lists():
    record, files = sample()
    key = "0" * 32
    assert [m.name for m in files] == [f"{key}.json", f"{key}.1.jpg", f"{key}.2.png"]
    again = loads(files[0].data)
    assert again == json.loads(json.dumps(record))
    assert again["texts"] == ["one", None, None, "two é"] and again["images"] == [None, f"{key}.1.jpg", f"{key}.2.png", None]
    assert again["image_clip_score"] == [None, None, 0.123457, None] and again["image_alt"] == [None, "x", "", None]
    assert again["node_index"] == [3, 5, 6, 9] and again["quality"] == {"doc_quality": 0.333333, "other": None}
    assert all(len(again[name]) == 4 for name in IMAGE_LISTS)
    assert files[1].data == picture(1, "jpeg")


def test_a_document_is_one_range_and_the_index_describes_it(tmp_path):
    with ShardWriter(str(tmp_path), "train", 7) as w:
        for key in ("0" * 32, "1" * 32):
            w.add(*sample(key))
        entry = w.close()
    data = (tmp_path / entry.tar).read_bytes()
    assert hashlib.sha256(data).hexdigest() == entry.sha256 and entry.tar == f"weft-00007-{entry.sha256[:12]}.tar"
    t = pq.read_table(tmp_path / entry.index.path)
    assert tokenizer_of(t.schema) == ESTIMATE
    for r in t.to_pylist():
        part = data[r["byte_offset"] : r["byte_offset"] + r["byte_size"]]
        assert zlib.crc32(part) == r["crc32"]
        with tarfile.open(fileobj=io.BytesIO(part + bytes(1024))) as one:
            assert one.getnames() == [m["name"] for m in r["members"]]
            for m in r["members"]:
                assert one.extractfile(m["name"]).read() == data[m["offset"] : m["offset"] + m["size"]]
        assert (r["n_texts"], r["n_images"], r["text_bytes"], r["text_tokens"], r["widths"]) == (2, 2, 9, 3, [10, 10])
    starts = struct.unpack("<3Q", (tmp_path / entry.energon.path).read_bytes())
    assert list(starts) == [*t["byte_offset"].to_pylist(), len(data) - 1024]


@pytest.mark.parametrize(("keys", "message"), [(["b", "a"], "comes after"), (["a", "a"], "twice"), (["a.b"], "dot")])
def test_keys_ascend_are_unique_and_have_no_dots(tmp_path, keys, message):
    with ShardWriter(str(tmp_path), "train", 0) as w, pytest.raises(ShardError, match=message):
        for key in keys:
            w.add(*sample(key))
    assert list(tmp_path.iterdir()) == []


def test_two_contents_for_one_shard_are_an_error_and_the_same_content_is_not(tmp_path):
    def write(key):
        with ShardWriter(str(tmp_path), "train", 0) as w:
            w.add(*sample(key))
            return w.close()

    first = write("a")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert write("a") == first
    with pytest.raises(ShardError, match="another content"):
        write("b")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_names():
    assert shard_id("val", 3) == "weft-val-00003" and parse_id("weft-val-00003") == ("val", 3)
    assert parse_name("weft-00017-0123456789ab.tar.idx").tar == "weft-00017-0123456789ab.tar"
    with pytest.raises(ValueError, match="shard"):
        parse_name("weft-17.tar")


def test_tokens_are_counted_by_a_named_tokenizer(tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    path = tmp_path / "tokenizer.json"
    model = tokenizers.models.WordLevel({"one": 0, "two": 1, "?": 2}, unk_token="?")
    made = tokenizers.Tokenizer(model)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(path))
    with ShardWriter(str(tmp_path / "s"), "train", 0, str(path)) as w:
        w.add(*sample())
        entry = w.close()
    t = pq.read_table(tmp_path / "s" / entry.index.path)
    assert t["text_tokens"].to_pylist() == [3] and tokenizer_of(t.schema).startswith("tokenizer.json@sha256:")
