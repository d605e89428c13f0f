"""weft index: append, list, drop and compact from the command line, and what happens when something is not as it should be."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipelines import storage
from pipelines.dedup import index as dedup_index
from pipelines.settings.config import build, dump
from pipelines.stage import execute
from pipelines.stages.dedup import DedupStage
from schemas import layout
from tests.support.dedup_corpus import document, extract_folder, sentence
from weft.main import main


def finished(folder: Path, name: str, seed: int, index: str = "", also: int | None = None, n: int = 12) -> Path:
    """A run folder with stage dedup done over n documents (and those of another seed)."""
    rng = random.Random(seed)
    pages = [document(f"http://s{seed}-{i}.com/", [" ".join(sentence(rng, 60))], [f"http://i.com/{seed}/{i}"]) for i in range(n)]
    if also is not None:
        rng = random.Random(also)
        pages += [document(f"http://copy{also}-{i}.org/", [" ".join(sentence(rng, 60))], [f"http://k.com/{i}"]) for i in range(n)]
    config = build({"run": {"name": name}, "runner": {"workers": 1}, "dedup": {"index": index}}, "test")
    run = folder / name
    extract = extract_folder(folder / f"extract-{name}", [pages[:5], pages[5:]], f"{seed:016x}")
    done = execute(DedupStage(), str(run), config, {"extract": extract}).done
    storage.write_bytes(str(run / layout.CONFIG), dump(config).encode())
    storage.write_bytes(str(run / layout.STAGE_DIR / layout.CURRENT), json.dumps({"dedup": done.manifest.digest}).encode())
    return run


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return finished(folder, "one", 1), finished(folder, "two", 2)


def said(capsys, *argv: str) -> dict:
    assert main(["index", *argv, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_later_run_knows_what_was_appended_and_forgets_what_was_dropped(two_runs, tmp_path, capsys):
    index = str(tmp_path / "index")
    assert said(capsys, "append", index, str(two_runs[0]), "--partitions", "4")["runs"] == ["one"]
    assert said(capsys, "append", index, str(two_runs[1]))["runs"] == ["one", "two"]
    assert said(capsys, "append", index, str(two_runs[1]))["runs"] == ["one", "two"]  # again: replaced, not doubled
    found = said(capsys, "list", index)
    assert [s["documents"] for s in found["segments"]] == [12, 12] and found["partitions"] == 4

    def dropped(name: str) -> int:
        run = finished(tmp_path, name, 3, index, also=1)
        digest = json.loads((run / layout.STAGE_DIR / layout.CURRENT).read_text())["dedup"]
        counts = json.loads((run / layout.stage_dir("dedup", digest) / layout.STAGE_MANIFEST).read_text())["counts"]["documents"]
        return counts["dropped"].get("document.duplicate.earlier_run", 0)

    assert dropped("three") == 12
    assert said(capsys, "drop", index, "one")["runs"] == ["two"]
    assert dropped("four") == 0
    assert [s["documents"] for s in said(capsys, "compact", index)["segments"]] == [12]
    assert main(["index", "list", index]) == 0
    out = capsys.readouterr()
    assert "segment" in out.out and "1 runs in 1 segments, 12 documents" in out.err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["append", "i"], "needs a run folder"),
        (["append", "i", "nowhere"], "not a run folder"),
        (["drop", "i"], "needs the name of a run"),
        (["list", "i", "x"], "takes no run"),
        (["list", "i"], "no dedup index there"),
        (["compact", "i"], "no dedup index there"),
    ],
)
def test_mistakes(argv, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["index", *argv]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "i").exists()


def test_unknown_run_and_odd_partitions(two_runs, tmp_path, capsys):
    index = str(tmp_path / "index")
    assert main(["index", "append", index, str(two_runs[0]), "--partitions", "3"]) == 2 and "power of two" in capsys.readouterr().err
    said(capsys, "append", index, str(two_runs[0]))
    assert main(["index", "drop", index, "nine"]) == 2 and "there are: one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: b"{",
        lambda raw: b"[]",
        lambda raw: json.dumps({**raw, "segments": [{**raw["segments"][0], "id": "../../elsewhere"}]}).encode(),
        lambda raw: json.dumps({**raw, "scheme": {**raw["scheme"], "x": 1}}).encode(),
        lambda raw: json.dumps({**raw, "format": 99}).encode(),
    ],
)
def test_a_damaged_or_hostile_manifest_is_refused_by_name(two_runs, tmp_path, capsys, damage):
    index = tmp_path / "index"
    said(capsys, "append", str(index), str(two_runs[0]))
    path = index / "manifest.json"
    path.write_bytes(damage(json.loads(path.read_text())))
    assert main(["index", "compact", str(index)]) == 2
    assert "manifest.json" in capsys.readouterr().err


def test_interrupted_append_is_repeated_and_two_writers_are_told(two_runs, tmp_path, capsys, monkeypatch):
    index = tmp_path / "index"
    said(capsys, "append", str(index), str(two_runs[0]))
    before = (index / "manifest.json").read_bytes()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as m:
        m.setattr(dedup_index, "_publish", killed)
        assert main(["index", "append", str(index), str(two_runs[1])]) == 130
    assert (index / "manifest.json").read_bytes() == before and len(list((index / "segments").iterdir())) == 2
    assert said(capsys, "list", str(index))["runs"] == ["one"]  # a segment without a manifest does not count
    assert said(capsys, "append", str(index), str(two_runs[1]))["runs"] == ["one", "two"]
    assert len(list((index / "segments").iterdir())) == 2

    build_segment = dedup_index._build

    def slow(*args: object) -> object:  # meanwhile another process compacts
        made = build_segment(*args)
        monkeypatch.setattr(dedup_index, "_build", build_segment)
        dedup_index.compact(str(index), dedup_index.settings_of(str(index)))
        return made

    monkeypatch.setattr(dedup_index, "_build", slow)
    assert main(["index", "append", str(index), str(two_runs[0])]) == 2
    assert "another process has changed" in capsys.readouterr().err
    assert said(capsys, "list", str(index))["runs"] == ["one", "two"]
