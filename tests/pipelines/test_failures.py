"""A failing part, on a worker of each kind, comes back as one sentence with the type that decides the exit code."""

from dataclasses import dataclass

import pytest

from pipelines import beam
from pipelines.failures import NEXT, WorkFailed, at_stage, describe, read_back
from pipelines.settings.run import RunnerSettings
from weft.main import explain


@dataclass(frozen=True)
class Breaks:
    how: str

    def __call__(self, part: str) -> None:
        if self.how == "full":
            raise OSError(28, "No space left on device", "somewhere/x.parquet")
        raise ValueError('a "quoted" thing')


@pytest.mark.parametrize("options", [{}, {"job_endpoint": "embed", "environment_type": "LOOPBACK"}], ids=["local", "portable"])
@pytest.mark.parametrize(("how", "code", "says"), [("full", 4, "No space left"), ("value", 3, 'ValueError: a "quoted" thing')])
def test_one_sentence_from_a_worker(options, how, code, says):
    runner = RunnerSettings(name="portable" if options else "local", workers=1, options=options)
    with pytest.raises((OSError, WorkFailed)) as e:
        beam.map_parts(runner, ["00007"], Breaks(how))
    got, sentence = explain(e.value)
    assert got == code and says in sentence and "part 00007" in sentence
    assert "\n" not in sentence and "Traceback" not in sentence


def test_a_full_disk_that_nobody_described():
    wrapped = RuntimeError("Traceback ...\nOSError: [Errno 28] No space left on device [while running 'Ready-ptransform-3']\n")
    e = read_back(wrapped, "spark")
    assert isinstance(e, OSError) and e.errno == 28 and "step Ready" in str(e)


def test_the_innermost_error_is_told():
    text = "Traceback:\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\nRuntimeError: KeyError: 'x'\n"
    assert str(read_back(RuntimeError(text), "flink")) == f"the flink engine: KeyError: 'x'; {NEXT}"


def test_a_mark_inside_a_quoted_string():
    inner = str(describe(ValueError("v"), "p", Breaks("x"))).replace('"', '\\"')
    assert "part p: ValueError: v" in str(read_back(RuntimeError(f'java.lang.X: "{inner}"'), "spark"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(5, "Input/output error"), "[Errno 5] stage dedup: Input/output error"),
        (OSError(28, "No space left on device", "run/x"), "[Errno 28] stage dedup: No space left on device: 'run/x'"),
        (
            OSError(28, "stage extract, part 00001: No space left on device"),
            "[Errno 28] stage extract, part 00001: No space left on device",
        ),
        (OSError("cannot open 'a.warc.gz': no such file"), "cannot open 'a.warc.gz': no such file"),
    ],
)
def test_the_driver_s_own_failures_name_the_stage(error, said):
    with pytest.raises(OSError) as e, at_stage("dedup"):
        raise error
    assert str(e.value) == said


def test_a_missing_file_stays_one():
    with pytest.raises(FileNotFoundError, match="stage pack"), at_stage("pack"):
        raise FileNotFoundError(2, "No such file or directory", "x")
