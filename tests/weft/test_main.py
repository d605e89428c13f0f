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


def test_the_exit_code_survives_a_native_library_that_aborts_at_the_end():
    """C's exit handlers come after all of Python's; those of Python still run."""
    code = """
import atexit, ctypes, sys
libc = ctypes.CDLL(None)
assert libc.__cxa_atexit(ctypes.cast(libc.abort, ctypes.c_void_p), None, None) == 0
sys.argv = ["weft", *sys.argv[1:]]
import weft.main
weft.main.VERBS["work"] = ("works", "work")
import types
module = types.ModuleType("weft.verbs.work")
module.arguments = lambda parser: None
module.run = lambda args: (atexit.register(print, "cleaned up"), print("worked"))[0] and 1
sys.modules["weft.verbs.work"] = module
weft.main.command()
"""
    done = subprocess.run([sys.executable, "-c", code, "work"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "worked\ncleaned up\n"), done.stderr
    dies = subprocess.run(
        [sys.executable, "-c", code.replace("weft.main.command()", "sys.exit(weft.main.main())"), "work"], capture_output=True, timeout=60
    )
    assert dies.returncode == -6, "the library no longer aborts: this test shows nothing"


def test_output_that_nobody_takes_is_no_success():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "weft.main", "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 4 and b"No space left" in done.stderr
