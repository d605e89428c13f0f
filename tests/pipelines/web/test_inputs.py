from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.settings.config import ConfigError, build
from pipelines.settings.input import InputSettings
from pipelines.web import source
from pipelines.web.inputs import InputError, archives, crawl_of, dump_units, identity, load_units, read_pointers, units
from pipelines.web.source import SourceError
from pipelines.web.warc import read_at, read_records
from tests.support.archives import gz, http, warc
from tests.support.loopback import serve


def settings(**kw) -> InputSettings:
    return InputSettings(**kw)


def big(n: int = 60, compressed: bool = True) -> bytes:
    records = [warc(i, http(random.Random(i).randbytes(4000))) for i in range(n)]
    return gz(*records) if compressed else b"".join(records)


def test_files_folders_and_patterns(tmp_path):
    for name in ("b.warc.gz", "a.warc.gz", "c.arc", "notes.txt"):
        (tmp_path / name).write_bytes(gz(warc(0)))
    here = str(tmp_path)
    assert archives(settings(paths=[here])) == [f"{here}/{n}" for n in ("a.warc.gz", "b.warc.gz", "c.arc")]
    assert archives(settings(paths=[f"{here}/*.gz", f"{here}/a.warc.gz"])) == [f"{here}/{n}" for n in ("a.warc.gz", "b.warc.gz")]
    assert archives(settings(paths=[here], max_files=1)) == [f"{here}/a.warc.gz"]
    for wrong in (f"{here}/none.warc.gz", f"{here}/*.zip"):
        with pytest.raises(InputError, match="no such file"):
            archives(settings(paths=[wrong]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no archive"):
        archives(settings(paths=[f"{here}/empty"]))
    with pytest.raises(InputError, match="no input"):
        units(settings())


def test_crawl_ids_are_checked():
    for wrong in ("", "../etc", "a/b"):
        with pytest.raises(ConfigError, match="crawl"):
            build({"input": {"crawls": [wrong]}}, "test")


@pytest.mark.parametrize("compressed", [True, False])
def test_units_tile_an_archive(tmp_path, compressed):
    path = tmp_path / ("a.warc.gz" if compressed else "a.warc")
    path.write_bytes(big(60, compressed))
    found = units(settings(paths=[str(path)], unit_bytes=65_536))
    assert len(found) > 2 and [u.name for u in found] == [f"{i:05d}" for i in range(len(found))]
    whole = list(read_records(str(path)))
    pieces = [list(read_records(u.path, u.start, u.end)) for u in found]
    assert [r for p in pieces for r in p] == whole and all(pieces) and len(whole) == 60
    assert load_units(dump_units(found)) == {u.name: u for u in found}


def test_a_page_that_looks_like_a_record_does_not_cut_a_plain_archive(tmp_path):
    inner = b"\r\n\r\n".join(warc(100 + i) for i in range(20))
    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(warc(i, http(inner + bytes(20_000))) for i in range(12)))
    found = units(settings(paths=[str(path)], unit_bytes=65_536))
    assert len(found) > 1
    assert [r.url[-2:].strip("/") for u in found for r in read_records(u.path, u.start, u.end)] == [str(i) for i in range(12)]


def test_pointer_files(tmp_path):
    rows = [{"warc_filename": "x/a.warc.gz", "warc_record_offset": 10 * i, "warc_record_length": 9, "url": "u"} for i in range(5)]
    expected = [("x/a.warc.gz", 10 * i, 9) for i in range(5)]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lines = ["warc_filename,warc_record_offset,warc_record_length", *(f"{a},{b},{c}" for a, b, c in expected)]
    (tmp_path / "p.csv").write_text("\n".join(lines))
    (tmp_path / "p.jsonl.gz").write_bytes(gzip.compress((tmp_path / "p.jsonl").read_bytes()))
    cdx = [f"org,example)/ 2024 {json.dumps({'filename': a, 'offset': str(b), 'length': str(c)})}" for a, b, c in expected]
    (tmp_path / "p.cdxj").write_text("\n".join(cdx))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "p.parquet")
    for name in ("p.jsonl", "p.csv", "p.jsonl.gz", "p.cdxj", "p.parquet"):
        assert list(read_pointers(str(tmp_path / name))) == expected, name
    found = units(settings(pointers=[str(tmp_path / "p.csv")], unit_pointers=2, base_url="https://host.example/"))
    assert [len(u.pointers) for u in found] == [2, 2, 1] and found[0].pointers[1] == ("https://host.example/x/a.warc.gz", 10, 9)
    (tmp_path / "bad.csv").write_text("warc_filename,offset\na,1")
    with pytest.raises(InputError, match="row 1"):
        list(read_pointers(str(tmp_path / "bad.csv")))
    with pytest.raises(InputError, match=r"\.jsonl, \.csv"):
        list(read_pointers("p.xlsx"))


def test_crawl_names():
    assert crawl_of("s3://commoncrawl/crawl-data/CC-MAIN-2024-22/segments/1/warc/CC-MAIN-2024-a.warc.gz") == "CC-MAIN-2024-22"
    assert crawl_of("my.warc.gz", "mine") == "mine"


def test_identity_follows_what_is_read(tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(b"1")
    before = identity(settings(paths=[str(path)]))
    path.write_bytes(b"12")
    assert identity(settings(paths=[str(path)])) != before


def test_a_crawl_over_http(monkeypatch):
    monkeypatch.setattr(source, "REMOTE_BLOCK", 50_000)
    names = [f"crawl-data/CC-MAIN-2024-22/segments/1/warc/{i}.warc.gz" for i in range(2)]
    files = {"/" + n: big(40) for n in names}
    files["/crawl-data/CC-MAIN-2024-22/warc.paths.gz"] = gzip.compress("\n".join(names).encode())
    with serve(files) as server:
        chosen = settings(crawls=["CC-MAIN-2024-22"], base_url=server.url, unit_bytes=65_536)
        found = units(chosen)
        assert [u.path for u in found if u.start == 0] == [f"{server.url}/{n}" for n in names] and len(found) > 2
        server.requests.clear()
        server.failures = 2  # the servers of Common Crawl say 503 when they are busy
        monkeypatch.setattr(source.time, "sleep", lambda _: None)
        read = [r.url for u in found for r in read_records(u.path, u.start, u.end)]
        assert read == [f"http://site.example/{i}" for _ in names for i in range(40)]
        assert all(r.startswith("bytes=") for p, r in server.requests if r)
        assert identity(chosen) == {f"{server.url}/{n}": "remote" for n in names}


def test_a_pointer_over_http_reads_only_its_range():
    first = len(gz(warc(0, http(random.Random(0).randbytes(4000)))))
    length = len(gz(warc(1, http(random.Random(1).randbytes(4000)))))
    with serve({"/a.warc.gz": big(2000)}) as server:
        (record,) = read_at(f"{server.url}/a.warc.gz", first, length)
        assert record.url.endswith("/1") and not record.problem
        asked = [r.removeprefix("bytes=").split("-") for _, r in server.requests if r]
        assert asked and all(int(b) - int(a) < 1 << 20 for a, b in asked)


def test_a_server_that_keeps_failing_is_an_error_not_a_damaged_archive(monkeypatch):
    monkeypatch.setattr(source.time, "sleep", lambda _: None)
    monkeypatch.setattr(source, "REMOTE_BLOCK", 20_000)
    with serve({"/a.warc.gz": big(300)}) as server:
        reader = read_records(f"{server.url}/a.warc.gz")
        assert next(reader).url.endswith("/0")
        server.failures = 1000
        with pytest.raises(SourceError, match="cannot read"):
            list(reader)
        with pytest.raises(SourceError, match="no such file"):
            list(read_records(f"{server.url}/none.warc.gz"))


def test_schemes_without_their_library_say_so():
    with pytest.raises(SourceError, match="cannot open"):
        list(read_records("nosuchscheme://bucket/a.warc.gz"))
