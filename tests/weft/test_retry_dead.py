"""weft retry --dead: dead letters are read again by their pointers, with the code and settings as they are now; the run stays as it is."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

from tests.support.archives import gz, http, warc
from weft.main import main

PAGE = b"<!doctype html><html lang=en><p>" + b"The old harbour wall was built by fishermen of the village. " * 20
LONG = warc(1, http(PAGE + b"<!-- " + b"x" * (2 << 20) + b" -->"))
NOISE = b"<!-- " + random.Random(1).randbytes(1 << 20).hex().encode() + b" -->"
ZIPPED = warc(2, http(gzip.compress(PAGE + NOISE), b"Content-Type: text/html", b"Content-Encoding: gzip"))
LIES = warc(3, http(PAGE), length=999_999)


def made(tmp_path: Path, *records: bytes) -> str:
    archive, settings, run = tmp_path / "a.warc.gz", tmp_path / "a.toml", tmp_path / "run"
    archive.write_bytes(gz(warc(0, http(PAGE)), *records))
    settings.write_text(
        '[run]\nmax_failure_share = 1.0\n[extract]\nmax_body_bytes = 1048576\nrequire_image = false\n[fetch]\ncontact = "a@example.org"\n'
        '[filters."paragraph.word_count"]\nmin = 2\n'
    )
    assert main(["run", str(settings), str(archive), "-o", str(run), "--only", "extract", "--quiet", "--workers", "1"]) == 0
    return str(run)


def files(run: str) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in Path(run).rglob("*") if p.is_file()}


def test_a_fix_is_seen_letter_by_letter_and_nothing_changes(tmp_path, capsys):
    run = made(tmp_path, LONG, ZIPPED, LIES)
    before = files(run)
    capsys.readouterr()
    assert main(["retry", run, "--dead"]) == 1  # nothing has been mended
    assert "0 of 3 dead letters are read now" in "".join(capsys.readouterr())
    assert main(["retry", run, "--dead", "--set", "extract.max_body_bytes=8388608", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)["letters"]
    assert [bool(r["now"]) for r in said] == [False, False, True]
    assert [r["url"].rpartition("/")[2] for r in said] == ["1", "2", "3"] and all(r["was"] and r["offset"] > 0 for r in said)
    assert files(run) == before


def test_when_all_are_read_it_says_what_to_do(tmp_path, capsys):
    run = made(tmp_path, LONG, ZIPPED)
    capsys.readouterr()
    assert main(["retry", run, "--dead", "--set", "extract.max_body_bytes=8388608"]) == 0
    said = "".join(capsys.readouterr())
    assert "2 of 2 dead letters are read now" in said and "`weft run` with these settings takes them into the run" in said
    assert main(["run", f"{run}/config.toml", "-o", run, "--only", "extract", "--quiet", "--set", "extract.max_body_bytes=8388608"]) == 0
    assert main(["retry", run, "--dead"]) == 0  # of the new extract: there is none
    assert "0 of 0" in "".join(capsys.readouterr())


def test_a_stage_that_would_be_found_done_is_named(tmp_path, capsys, monkeypatch):
    """A fix outside of code and settings (a library, more memory): the stage's folder has the same name as before."""
    from pipelines.web.unit_work import _Work

    real = _Work.row
    with monkeypatch.context() as m:
        m.setattr(_Work, "row", lambda self, item, row: self.dead(item, "memory", "no memory"))
        run = made(tmp_path)
    assert _Work.row is real
    assert main(["retry", run, "--dead"]) == 0
    assert "remove its folder" in "".join(capsys.readouterr())


def test_settings_without_dead_and_a_folder_without_pages_are_refused(tmp_path, capsys):
    run = made(tmp_path, LONG)
    assert main(["retry", run, "--set", "extract.max_body_bytes=8388608"]) == 2
    assert "--set goes with --dead only" in capsys.readouterr().err
    (Path(run) / "stages" / "current.json").unlink()
    assert main(["retry", run, "--dead"]) == 3
    assert "no page has been read yet" in capsys.readouterr().err
