"""Twenty mistakes of a newcomer: each ends in one clear sentence with the right exit code, before any work is done."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from weft.main import main

ROOT = str(Path(__file__).resolve().parents[2])
CONTACT = ["--set", 'fetch.contact="me@example.org"']


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ok.toml").write_text("")
    (tmp_path / "broken.toml").write_text("[run\n")
    (tmp_path / "latin.toml").write_bytes(b'[run]\nname = "caf\xe9"\n')
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "java").write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    (tmp_path / "java").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")  # a real answer of an old Java
    return tmp_path


MODEL = ["--set", "score.clip.model=ViT-B-32", "--set", "score.clip.pretrained=weights/none.safetensors"]


MISTAKES = [
    ("wrong verb", ["rnu"], 2, "did you mean `weft run`?"),
    ("no configuration", ["run", "missing.toml"], 2, "weft init"),
    ("not TOML", ["run", "broken.toml"], 2, "not TOML"),
    ("not UTF-8", ["run", "latin.toml"], 2, "not UTF-8"),
    ("a folder as configuration", ["run", "empty"], 2, "cannot read 'empty'"),
    ("unknown section", ["run", "ok.toml", "--set", "fetsh.contact=x"], 2, "did you mean 'fetch'?"),
    ("unknown key", ["run", "ok.toml", "--set", "fetch.contct=x"], 2, "did you mean 'contact'?"),
    ("wrong type", ["run", "ok.toml", "--set", "fetch.retries=many"], 2, "fetch.retries"),
    ("out of range", ["run", "ok.toml", "--set", "run.max_failure_share=7"], 2, "run.max_failure_share"),
    ("--set without a value", ["run", "ok.toml", "--set", "fetch.contact"], 2, "SECTION.KEY=VALUE"),
    ("unknown rule", ["run", "ok.toml", "--set", "filters.document.wordcount.min=5"], 2, "document.wordcount"),
    ("bad crawl id", ["run", "ok.toml", "--set", 'input.crawls=["../2024"]'], 2, "CC-MAIN-2024-22"),
    ("unknown engine", ["run", "ok.toml", "--runner", "sprak"], 2, "runner.name"),
    ("unknown option", ["run", "ok.toml", "--wrokers=2"], 2, "did you mean --workers?"),
    ("unknown stage", ["run", "ok.toml", "--only", "fetsch"], 2, "no stage 'fetsch'"),
    ("no input", ["run", "ok.toml", *CONTACT], 2, "set input.paths"),
    ("input missing", ["run", "ok.toml", "nowhere.warc.gz", *CONTACT], 2, "no such file"),
    ("input folder empty", ["plan", "ok.toml", "empty"], 2, "holds no archive"),
    ("run folder is a file", ["run", "ok.toml", "-o", "file", *CONTACT], 4, "file"),
    ("wrong Java for Spark", ["run", "ok.toml", "--runner", "spark", *CONTACT], 4, "needs Java 11 or 17, and the `java` on the path is 8"),
    ("wrong Java for Flink", ["run", "ok.toml", "--runner", "flink", *CONTACT], 4, "flink needs Java"),
    ("no model", ["run", "ok.toml", *CONTACT, *MODEL], 4, "no model file 'weights/none.safetensors'"),
    ("status of nothing", ["status", "empty"], 2, "not a run folder"),
    ("init over a file", ["init", "ok.toml"], 2, "exists"),
    ("unknown preset", ["init", "new.toml", "--preset", "obelisk"], 2, "no preset 'obelisk'"),
]


@pytest.mark.parametrize(("argv", "code", "says"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_one_sentence_and_the_right_code(here, argv, code, says, capsys):
    assert main(argv) == code
    err = capsys.readouterr().err
    assert says in err and "Traceback" not in err
    assert len(err.strip().splitlines()) == 1, err


def test_there_are_twenty():
    assert len(MISTAKES) >= 20


def test_a_missing_extra(here, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "open_clip", None)  # as Python itself marks a package that cannot be imported
    assert main(["run", "ok.toml", *CONTACT, *MODEL]) == 4
    assert "needs the package 'open_clip', which is not installed: pip install 'weft[clip]'" in capsys.readouterr().err


def test_no_disk(here, capsys):
    from tests.faults.disk import tmpfs

    try:
        with tmpfs(here / "small", 1 << 20):
            assert main(["run", "ok.toml", "-o", "small/run", *CONTACT]) == 4
            assert not any((here / "small").iterdir())
    except PermissionError as e:
        pytest.skip(f"a small disk cannot be mounted here: {e}")
    assert "no room for a run: 1.0 MB are free" in capsys.readouterr().err


@pytest.mark.slow
def test_each_takes_less_than_two_seconds_of_cpu(here):
    """A process each, start of Python included; CPU time, since the wall depends on who else is on the machine."""
    slow = {}
    for name, argv, code, _ in MISTAKES:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-m", "weft.main", *argv], capture_output=True, env={**os.environ, "PYTHONPATH": ROOT}, timeout=60
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == code, done.stderr
        slow[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print({n: round(s, 2) for n, s in slow.items()})
    assert max(slow.values()) < 2, slow


LIGHT = [["--help"], ["rnu"], ["run", "missing.toml"], ["run", "ok.toml", "--set", "fetch.contct=x"], ["status", "empty"]]


@pytest.mark.parametrize("argv", LIGHT, ids=lambda a: " ".join(a))
def test_mistakes_are_found_before_anything_heavy_is_imported(here, argv):
    """What makes them quick: neither Beam nor torch nor DuckDB is there yet. By module list, as clocks lie on a busy machine."""
    code = f"import sys, weft.main; weft.main.main({argv!r}); print([m for m in ('apache_beam', 'torch', 'duckdb', 'pyarrow') if m in sys.modules])"
    path = os.pathsep.join([os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), os.environ.get("PYTHONPATH", "")])
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": path})
    assert out.stdout.strip().endswith("[]"), out.stdout + out.stderr
