"""Samples of an input: disjoint pieces, whole records, sizes of what only a server knows."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from pipelines import sample
from pipelines.sample import Piece
from pipelines.settings.input import InputSettings
from pipelines.web.inputs import Unit, units
from pipelines.web.warc import read_records
from tests.support.archives import gz, http, warc
from tests.support.loopback import serve


def records(first: int, n: int) -> list[bytes]:
    return [warc(i, http(b"<p>page %d " % i + random.Random(i).randbytes(400).hex().encode())) for i in range(first, first + n)]


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    folder = tmp_path / "crawl"
    folder.mkdir()
    (folder / "a.warc.gz").write_bytes(b"".join(gz(r) for r in records(0, 40)))
    (folder / "b.warc").write_bytes(b"".join(records(40, 60)))
    (folder / "c.warc.bz2").write_bytes(b"BZh9 never opened")
    return folder


def names(path: str) -> list[str]:
    return [r.url for r in read_records(path)]


def test_pieces_are_whole_records_of_the_input_and_none_twice(crawl: Path, tmp_path: Path) -> None:
    found = units(InputSettings(paths=(str(crawl),)))
    measured = sample.sizes(found)
    assert measured.total == sum(p.stat().st_size for p in crawl.iterdir()) and measured.guessed == 0
    pieces = sample.choose(found, measured, 6, 2000)
    assert len(pieces) == 6 and {Path(p.path).name for p in pieces} == {"a.warc.gz", "b.warc"}
    copies = sample.copy(pieces, str(tmp_path / "sample"))
    taken = [u for c in copies for u in names(c.path)]
    every = names(str(crawl / "a.warc.gz")) + names(str(crawl / "b.warc"))
    assert len(every) == 100 and len(taken) == len(set(taken)) >= len(copies) > 2 and set(taken) < set(every)
    assert all(c.bytes == Path(c.path).stat().st_size and c.pages == len(names(c.path)) for c in copies)
    together = [sample.joined(copies, n, str(tmp_path / f"joined-{n}")) for n in (1, 2, 50)]
    assert [len(t) for t in together] == [2, 4, len(copies)]
    assert all(sorted(u for path in t for u in names(path)) == sorted(taken) for t in together)


def test_pieces_that_cover_everything_are_everything(crawl: Path, tmp_path: Path) -> None:
    archive = crawl / "a.warc.gz"
    size = archive.stat().st_size
    pieces = [Piece(str(archive), at, min(size, at + 700)) for at in range(0, size, 700)]
    taken = [u for c in sample.copy(pieces, str(tmp_path / "sample")) for u in names(c.path)]
    assert taken == names(str(archive))


def test_what_cannot_be_cut_is_not_chosen(crawl: Path) -> None:
    only = units(InputSettings(paths=(str(crawl / "c.warc.bz2"),)))
    assert sample.choose(only, sample.sizes(only), 4, 1000) == []
    pointed = [Unit("00000", "x.warc.gz", pointers=(("x.warc.gz", 0, 50), ("x.warc.gz", 90, 70)))]
    assert sample.sizes(pointed).total == 120 and sample.choose(pointed, sample.sizes(pointed), 4, 1000) == []


def test_a_server_is_asked_for_a_few_sizes_and_the_others_are_taken_to_be_alike() -> None:
    body = gzip.compress(b"x" * 5000)
    with serve({f"/{i}.warc.gz": body for i in range(100)}) as server:
        remote = [Unit(f"{i:05d}", f"{server.url}/{i}.warc.gz") for i in range(100)]
        measured = sample.sizes(remote)
    assert measured.total == 100 * len(body) and 80 <= measured.guessed <= 100 - sample.ASKED
