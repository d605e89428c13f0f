"""Shards on an object store: the same batches, a cache that stays bounded, and a lost store that stops the run."""

from __future__ import annotations

import os
from pathlib import Path

import fsspec
import pytest

from trainer import index, remote
from trainer.read import stream
from trainer.remote import ShardCache, Unreachable
from trainer.setup import Corpus

URL = "memory://bucket/run"


@pytest.fixture
def stored(run_maker, tmp_path: Path, monkeypatch):
    """A run of six shards, and its copy on an object store (fsspec's own, in memory)."""
    folder = run_maker(tmp_path / "stored", 24, 6)
    monkeypatch.setattr(index, "_handles", index._Handles())  # no file of another test is still open
    fs = fsspec.filesystem("memory")
    fs.put(str(folder), "/bucket/run", recursive=True)
    yield folder, fs
    fs.rm("/bucket", recursive=True)


def batches(recipe) -> list:
    corpus = Corpus(recipe)
    stage = recipe.stage[0]
    return [(b.tokens.tolist(), int(b.patches.sum()), b.bad) for b in stream(corpus.plan(stage), corpus.reader(stage), list(range(8)))]


def test_a_run_on_an_object_store_gives_the_same_batches_from_a_bounded_cache(tiny, stored, tmp_path: Path, monkeypatch):
    folder, fs = stored
    here = batches(tiny(f'data.shards="{folder}"', out="a"))
    sizes = [s.stat().st_size for s in (folder / "shards").glob("*.tar")]
    limit = sum(sizes) // 2
    monkeypatch.setattr(index._handles, "most", 1)  # so that shards are opened again and again
    there = batches(tiny(f'data.shards="{URL}"', f"data.cache_gb={limit / 1e9}", f'data.cache="{tmp_path / "cache"}"', out="b"))
    assert here == there and not any(bad for _, _, bad in there)
    kept = [f.stat().st_size for f in (tmp_path / "cache" / "shards").iterdir()]
    assert 0 < sum(kept) <= limit and len(kept) < len(sizes)


def test_what_is_not_as_its_name_says_stops_the_run(tiny, stored, tmp_path: Path, monkeypatch):
    _, fs = stored
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)
    victim = sorted(fs.glob("/bucket/run/shards/*.tar"))[0]
    whole = fs.cat(victim)
    fs.pipe(victim, whole[:-1] + b"\x01")
    with pytest.raises(Unreachable, match=r"hash to [0-9a-f]{12}, its name says"):
        batches(tiny(f'data.shards="{URL}"', out="hurt"))
    fs.rm(victim)
    with pytest.raises(Unreachable, match="5 tries failed.*FileNotFoundError"):
        batches(tiny(f'data.shards="{URL}"', out="lost"))
    assert not [f for _, _, names in os.walk(tmp_path) for f in names if f.endswith(".part")]


def test_a_store_that_fails_twice_is_asked_again(tmp_path: Path, monkeypatch):
    fails, real = [OSError("reset"), OSError("slow down")], remote.opened
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)
    fsspec.filesystem("memory").pipe("/once/a.tar", b"x" * 10)
    monkeypatch.setattr(remote, "opened", lambda path: real(path) if not fails else (_ for _ in ()).throw(fails.pop()))
    assert Path(ShardCache(str(tmp_path), 5).local("memory://once/a.tar")).read_bytes() == b"x" * 10


def test_a_run_that_is_not_there_is_named(tiny):
    with pytest.raises(FileNotFoundError, match="memory://nowhere/manifest.json is missing"):
        Corpus(tiny('data.shards="memory://nowhere"'))
