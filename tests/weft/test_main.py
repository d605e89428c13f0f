"""The command line as a newcomer meets it."""

import subprocess
import sys

import pytest

from weft.main import VERBS, main, unknown_options


def test_help_names_every_verb(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(v in out for v in VERBS) and "exit codes" in out


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["rnu"], "did you mean `weft run`?"),
        (["zzzzzz"], "no verb 'zzzzzz'"),
        (["run"], "required: config"),
        (["run", "nowhere.toml"], "no configuration file 'nowhere.toml'"),
        (["run", "nowhere.toml", "--onyl", "extract"], "did you mean --only?"),
        (["run", "nowhere.toml", "--runner=local", "--direct_num_wrkers=3"], "did you mean --direct_num_workers?"),
        (["report"], "required: run"),
    ],
)
def test_mistakes_end_in_one_clear_sentence_and_exit_2(argv, says, capsys):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert says in err and "Traceback" not in err and len(err.strip().splitlines()) == 1


def test_beam_options_pass_through():
    from weft.verbs.run import beam_options

    assert beam_options(["--spark_master_url=spark://h:1", "--direct_num_workers", "2", "--streaming"]) == [
        ("spark_master_url", '"spark://h:1"'), ("direct_num_workers", "2"), ("streaming", "true")]  # fmt: skip


def test_unexpected_words_are_named():
    assert unknown_options(["x"], []) == "unexpected argument 'x'"


def test_help_does_not_import_the_heavy_parts():
    code = "import sys, weft.main; weft.main.main(['--help']); print([m for m in ('apache_beam','torch','duckdb','pyarrow','pydantic') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.stdout.strip().endswith("[]")


def test_control_characters_never_reach_the_terminal():
    from weft.console import clean

    assert clean("a\x1b[2Jb\u202ec\x07") == "a\ufffd[2Jb\ufffdc\ufffd"
