import os

import pyarrow as pa
import pytest

from pipelines import storage


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = str(tmp_path / "a" / "x.bin")
    with pytest.raises(ZeroDivisionError):
        with storage.atomic(path) as f:
            f.write(b"half")
            _ = 1 / 0
    assert os.listdir(tmp_path / "a") == []
    with storage.atomic(path) as f:
        f.write(b"whole")
    assert storage.read_bytes(path) == b"whole"
    assert f.sha256.hexdigest() == storage.sha256_of(path)
    assert os.listdir(tmp_path / "a") == ["x.bin"]


def test_a_failed_write_leaves_the_earlier_file(tmp_path):
    path = str(tmp_path / "x.bin")
    storage.write_bytes(path, b"first")
    with pytest.raises(KeyboardInterrupt):
        with storage.atomic(path) as f:
            f.write(b"second")
            raise KeyboardInterrupt
    assert storage.read_bytes(path) == b"first"


@pytest.mark.parametrize("links", [True, False])
def test_a_linked_file_is_there_with_and_without_links(tmp_path, monkeypatch, links):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_bytes(b"words")
    storage.link(str(tmp_path / "a"), str(tmp_path / "b"))
    assert (tmp_path / "b").read_bytes() == b"words"
    assert os.path.samefile(tmp_path / "a", tmp_path / "b") == links
    (tmp_path / "c").write_bytes(b"another")
    with pytest.raises(FileExistsError):
        storage.link(str(tmp_path / "a"), str(tmp_path / "c"))
    with pytest.raises(FileNotFoundError):
        storage.link(str(tmp_path / "none"), str(tmp_path / "d"))
    assert not (tmp_path / "d").exists()


def test_equal_tables_give_equal_bytes_and_a_true_receipt(tmp_path):
    t = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    one = storage.write_table(str(tmp_path), "t/1.parquet", t)
    two = storage.write_table(str(tmp_path), "t/2.parquet", t)
    assert (one.sha256, one.rows) == (two.sha256, 3) == (storage.sha256_of(str(tmp_path / "t/1.parquet")), 3)
    assert one.bytes == os.path.getsize(tmp_path / "t/1.parquet")
    assert storage.read_table(str(tmp_path / "t/2.parquet"), ["b"]).to_pydict() == {"b": ["x", None, "z"]}


def test_an_object_store_publishes_only_whole_objects():
    storage.write_bytes("memory://weft-test/a/b.bin", b"abc")
    assert storage.read_bytes("memory://weft-test/a/b.bin") == b"abc"
    assert storage.listing("memory://weft-test/a") == ["b.bin"]
    assert storage.size("memory://weft-test/a/b.bin") == 3
    storage.remove_tree("memory://weft-test/a")
    assert not storage.exists("memory://weft-test/a/b.bin")
