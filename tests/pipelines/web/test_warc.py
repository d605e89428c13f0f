from __future__ import annotations

import bz2
import gzip
import random

import pytest
import zstandard

from pipelines.web.records import Problem, Record
from pipelines.web.source import SourceError
from pipelines.web.warc import read_at, read_records
from tests.support.archives import ARC_HEAD, arc, gz, http, warc


def read(tmp_path, data: bytes, name: str = "a.warc.gz", **kw):
    path = tmp_path / name
    path.write_bytes(data)
    return list(read_records(str(path), **kw))


def urls(found) -> list[str]:
    return [r.url.rsplit("/", 1)[-1] + (":" + r.problem if r.problem else "") for r in found if isinstance(r, Record)]


def problems(found) -> list[str]:
    return [p.kind for p in found if isinstance(p, Problem)]


def covers(found, size: int) -> None:
    """What is read lies in the file, in order, without overlap."""
    before, at = 0, 0
    for r in found:
        assert r.length > 0 and (r.offset >= at or r.offset == before)
        before, at = r.offset, r.offset + r.length
    assert at <= size


def test_records_with_their_positions(tmp_path):
    members = [gz(warc(i)) for i in range(5)]
    found = read(tmp_path, b"".join(members))
    assert urls(found) == ["0", "1", "2", "3", "4"]
    assert [(r.offset, r.length) for r in found] == [(sum(map(len, members[:i])), len(members[i])) for i in range(5)]
    assert found[3].block == http(b"<html><p>page 3</p></html>") and found[3].date == "2024-05-01T00:00:03Z"


def test_only_pages_are_yielded_and_lengths_are_their_own(tmp_path):
    kinds = (b"warcinfo", b"request", b"response", b"metadata", b"revisit")
    parts = [gz(warc(i, kind=k)) for i, k in enumerate(kinds)]
    found = read(tmp_path, b"".join(parts))
    assert [(r.kind, r.length) for r in found] == [("response", len(parts[2])), ("revisit", len(parts[4]))]


@pytest.mark.parametrize("name", ["plain", "gzip", "zstd", "bzip2", "one member", "arc", "arc.gz"])
def test_every_container_gives_the_same_pages(tmp_path, name):
    records = [warc(i) for i in range(20)]
    data = {
        "plain": b"".join(records),
        "gzip": gz(*records),
        "zstd": b"".join(zstandard.compress(r) for r in records),
        "bzip2": bz2.compress(b"".join(records)),
        "one member": gzip.compress(b"".join(records)),
        "arc": ARC_HEAD + b"".join(arc(i) for i in range(20)),
        "arc.gz": gz(ARC_HEAD, *(arc(i) for i in range(20))),
    }[name]
    found = read(tmp_path, data)
    assert problems(found) == [] and urls(found) == [str(i) for i in range(20)]
    assert all(r.block == http(b"<html><p>page %d</p></html>" % i) for i, r in enumerate(found))


@pytest.mark.parametrize("step", [1, 7, 100, 333, 1000, 100_000])
@pytest.mark.parametrize("compressed", [True, False])
def test_ranges_tile_the_file(tmp_path, step, compressed):
    records = [warc(i, http(random.Random(i).randbytes(40 * (i % 7)) + b"<p>" * i)) for i in range(40)]
    data = gz(*records) if compressed else b"".join(records)
    whole = read(tmp_path, data)
    starts = range(0, len(data), step) if step > 50 else [0, *range(500, 500 + 30 * step, step)]
    pieces = [r for a, b in zip(starts, [*starts[1:], 1 << 60], strict=True) for r in read_records(str(tmp_path / "a.warc.gz"), a, b)]
    assert pieces == whole and len(whole) == 40


def test_gzip_magic_inside_a_member_is_not_a_member(tmp_path):
    stored = gzip.compress(warc(1, http(b"\x1f\x8b\x08" * 50 + gzip.compress(b"not a record"))), compresslevel=0)
    data = gz(warc(0)) + stored + gz(warc(2))
    for cut in range(len(gz(warc(0))) + 1, len(data) - 1, 3):
        path = tmp_path / "b.warc.gz"
        path.write_bytes(data)
        assert urls([*read_records(str(path), 0, cut), *read_records(str(path), cut)]) == ["0", "1", "2"]


@pytest.mark.parametrize("compressed", [True, False])
def test_pointers(tmp_path, compressed):
    records = [warc(i) for i in range(6)]
    whole = read(tmp_path, gz(*records) if compressed else b"".join(records))
    for r in whole:
        assert list(read_at(str(tmp_path / "a.warc.gz"), r.offset, r.length)) == [r]
    beyond = list(read_at(str(tmp_path / "a.warc.gz"), 10**9, 100))
    assert problems(beyond) == ["truncated"]


def test_pointers_into_arc(tmp_path):
    whole = read(tmp_path, gz(ARC_HEAD, *(arc(i) for i in range(4))))
    assert [list(read_at(str(tmp_path / "a.warc.gz"), r.offset, r.length)) for r in whole] == [[r] for r in whole]


def test_cut_file_is_told(tmp_path):
    good, last = gz(warc(0), warc(1)), gz(warc(2, http(b"x" * 3000)))
    for cut in (3, 12, 40, len(last) // 2, len(last) - 20):
        found = read(tmp_path, good + last[:cut])
        assert urls(found)[:2] == ["0", "1"]
        assert problems(found) == ["truncated"] or urls(found)[2:] in (["2:truncated"], ["2:corrupt"])
    lost_checksum = read(tmp_path, good + last[:-3])
    assert urls(lost_checksum) == ["0", "1", "2"]  # its block is whole


def test_cut_plain_file_is_told(tmp_path):
    last = warc(2, http(b"x" * 3000))
    for cut in (3, 50, 200, len(last) // 2, len(last) - 20):
        found = read(tmp_path, warc(0) + warc(1) + last[:cut])
        assert urls(found)[:2] == ["0", "1"]
        assert problems(found) == ["truncated"] or urls(found)[2:] == ["2:truncated"], cut


@pytest.mark.parametrize("garbage", [b"GARBAGE" * 30, b"\x1f\x8b\x08\x00rubbish" * 9, b"\x00" * 5000])
@pytest.mark.parametrize("where", [0, 1, 2, 3])
def test_garbage_between_members(tmp_path, garbage, where):
    members = [gz(warc(i)) for i in range(3)]
    found = read(tmp_path, b"".join([*members[:where], garbage, *members[where:]]))
    assert urls(found) == ["0", "1", "2"]
    assert len(problems(found)) == 1
    covers(found, 10**9)


def test_garbage_between_plain_records(tmp_path):
    found = read(tmp_path, warc(0) + b"noise " * 50 + b"\r\n\r\n" + warc(1) + warc(2))
    assert urls(found) == ["0", "1", "2"] and problems(found) == ["garbage"]


def test_damaged_member_costs_only_itself(tmp_path):
    members = [gz(warc(i, http(random.Random(i).randbytes(2000)))) for i in range(5)]
    broken = bytearray(members[2])
    broken[900:930] = b"\x00" * 30
    found = read(tmp_path, b"".join([*members[:2], bytes(broken), *members[3:]]))
    assert urls(found) == ["0", "1", "2:corrupt", "3", "4"]


@pytest.mark.parametrize("length", [9_999, 10**12, 120, 10])
def test_lying_lengths_swallow_nothing(tmp_path, length):
    found = read(tmp_path, gz(warc(0), warc(1, length=length), warc(2), warc(3)))
    assert [u for u in urls(found) if not u.startswith("1")] == ["0", "2", "3"]
    assert length == 10**12 or any(u.startswith("1") for u in urls(found))
    plain = read(tmp_path, warc(0) + warc(1, length=length) + warc(2) + warc(3))
    assert urls(plain)[0] == "0"
    if length < 9_000:
        assert [u for u in urls(plain) if not u.startswith("1")] == ["0", "2", "3"]


def test_a_length_that_ends_exactly_behind_the_next_record_is_noticed(tmp_path):
    block = http(b"<html><p>page 1</p></html>")
    found = read(tmp_path, gz(warc(0), warc(1, length=len(block) + 4 + len(warc(2))), warc(2), warc(3)))
    assert urls(found) == ["0", "1:truncated", "2", "3"]


def test_missing_and_negative_lengths(tmp_path):
    for bad in (warc(1).replace(b"Content-Length", b"X-Length"), warc(1).replace(b"Content-Length: ", b"Content-Length: -")):
        found = read(tmp_path, gz(warc(0), bad, warc(2)))
        assert urls(found) == ["0", "1:bad_length", "2"]


def test_giant_headers_are_refused(tmp_path):
    found = read(tmp_path, gz(warc(0), warc(1, extra=b"X-A: " + b"a" * 100_000 + b"\r\n"), warc(2)))
    assert urls(found) == ["0", "2"] and problems(found) == ["bad_header"]


def test_bombs_are_jumped_over(tmp_path):
    bomb = warc(1, http(b"\0" * (80 << 20)))
    found = read(tmp_path, gz(warc(0), bomb, warc(2), warc(3, kind=b"resource", block=b"\0" * (80 << 20)), warc(4)), cap=1 << 20)
    assert urls(found) == ["0", "1:too_large", "2", "4"] and len(found[1].block) == 1 << 20


def test_types_in_capitals_and_brackets_around_urls(tmp_path):
    record = warc(0, kind=b"RESPONSE").replace(b"http://site.example/0", b"<http://site.example/0>")
    assert urls(read(tmp_path, gz(record))) == ["0"]
    assert urls(read(tmp_path, gz(record.replace(b"WARC/1.0", b"warc/1.0")))) == ["0"]


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.replace(b"WARC-Target-URI", b"warc-target-uri").replace(b"WARC-Date", b"WARC-DATE"),
        lambda r: r.replace(b"WARC-Date", b"WARC-Target-URI: http://other.example/\r\nWARC-Date", 1),
        lambda r: r.replace(b"WARC-Date: ", b"X-Date: ", 1),
        lambda r: r.replace(b"Content-Type: application/http", b"X-Type: application/http", 1),
        lambda r: r.replace(b"site.example/0", b"site.example/\xe9\xff/0", 1),
    ],
    ids=["other letters", "twice", "no date", "no type", "not UTF-8"],
)
def test_fields_are_the_same_in_order_and_by_pointer(tmp_path, change):
    changed = change(warc(0))
    assert changed != warc(0)
    data = gz(changed)
    (one,) = read(tmp_path, data)
    assert urls([one]) == ["0"] and one.http and one.block == http(b"<html><p>page 0</p></html>")
    assert list(read_at(str(tmp_path / "a.warc.gz"), 0, len(data))) == [one]


@pytest.mark.parametrize(
    "data", [b"hello world", b"\x1f\x8b\x08", b"WARC/", b"\n\n\n", gzip.compress(b"just text", mtime=0), b"%PDF-1.4" * 100]
)
def test_files_that_are_no_archives(tmp_path, data):
    found = read(tmp_path, data)
    assert urls(found) == [] and len(problems(found)) == (0 if not data.strip() else 1)


def test_empty_and_missing_files(tmp_path):
    assert read(tmp_path, b"") == []
    with pytest.raises(SourceError, match="no such file"):
        list(read_records(str(tmp_path / "none.warc.gz")))


def test_arc_garbage_and_lying_lengths(tmp_path):
    found = read(tmp_path, ARC_HEAD + arc(0) + b"noise\n" * 9 + arc(1) + arc(2, length=99_999))
    assert urls(found)[:2] == ["0", "1"] and len(problems(found)) <= 1 and urls(found)[2] in ("2:truncated", "2:bad_length")
    found = read(tmp_path, gz(ARC_HEAD, arc(0)) + b"noise" * 20 + gz(arc(1), arc(2, length=99_999)))
    assert urls(found) == ["0", "1", "2:truncated"] and problems(found) == ["garbage"]


@pytest.mark.parametrize("compressed", [True, False])
def test_random_damage_never_raises_and_spares_what_is_sound(tmp_path, compressed):
    rng = random.Random(3)
    records = [warc(i, http(rng.randbytes(rng.randrange(3000)))) for i in range(30)]
    parts = [gz(r) if compressed else r for r in records]
    starts = [sum(map(len, parts[:i])) for i in range(31)]
    data = b"".join(parts)
    for _ in range(150):
        broken, hit = bytearray(data), set()
        for _ in range(rng.randrange(1, 4)):
            at, n = rng.randrange(len(data)), rng.choice([1, 2, 8, 40, 400])
            broken[at : at + n] = rng.randbytes(len(broken[at : at + n]))
            hit |= {i for i in range(30) if starts[i] < at + n and at < starts[i + 1]}
        found = read(tmp_path, bytes(broken))
        covers(found, len(broken))
        got = {u for u in urls(found) if ":" not in u}
        missing = {str(i) for i in range(30) if i not in hit} - got
        if compressed:
            assert not missing
        else:
            assert len(missing) <= 2 * len(hit)  # a length destroyed in a plain file can hide a neighbour, never the rest


def test_real_archives(shared_data):
    found = list(read_records(str(shared_data / "real_dev.warc.gz")))
    assert len(urls(found)) == 1018 and problems(found) == []
    for path in sorted((shared_data / "warc_real").glob("*arc*")):
        assert problems(list(read_records(str(path)))) == [], path.name


def test_hostile_archives(shared_data):
    for path in sorted((shared_data / "warc_hostile").glob("*arc*")):
        found = list(read_records(str(path)))
        covers([r for r in found if path.suffix != ".bz2"][:1], path.stat().st_size)
        pieces = [r for a in range(0, path.stat().st_size, 1000) for r in read_records(str(path), a, a + 1000)]
        if not any(r.problem for r in found if isinstance(r, Record)) and not problems(found):
            assert urls(pieces) == urls(found), path.name
