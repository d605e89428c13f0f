"""Worker processes of one machine: forked, not started; what becomes of one that dies; nothing of it outlives the driver."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.beam import map_parts
from pipelines.failures import WorkFailed
from pipelines.nursery import CLIP, THE_NURSERY, Nursery
from pipelines.settings.run import RunnerSettings

HERE = str(Path(__file__).parent)
PARTS = ["a", "b", "c", "d"]


@dataclass(frozen=True)
class Note:
    """Writes who did the part."""

    folder: str

    def __call__(self, part: str) -> None:
        time.sleep(0.3)  # time enough for the other worker to take its part
        (Path(self.folder) / part).write_text(
            f"{os.getpid()} {os.getppid()} {os.environ.get('OMP_NUM_THREADS')} {os.environ.get('WEFT_TEST', '')}"
        )


@dataclass(frozen=True)
class Die:
    def __call__(self, part: str) -> None:
        if part == "c":
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def here(monkeypatch):
    """Workers find this module under its name, as they find the driver's."""
    monkeypatch.syspath_prepend(HERE)


def test_forked_from_one_nursery_over_passes_with_the_drivers_environment(here, tmp_path, monkeypatch):
    who = []
    for value in ("first", "second"):
        monkeypatch.setenv("WEFT_TEST", value)
        map_parts(RunnerSettings(workers=2), PARTS, Note(str(tmp_path)))
        rows = [(tmp_path / p).read_text().split() for p in PARTS]
        assert {r[2] for r in rows} == {"1"} and {r[3] for r in rows} == {value}
        assert len({r[0] for r in rows}) == 2 and os.getpid() not in {int(r[0]) for r in rows}
        who.append(rows)
    assert {r[1] for rows in who for r in rows} == {who[0][0][1]}  # one nursery
    assert not {r[0] for r in who[0]} & {r[0] for r in who[1]}  # fresh workers


@dataclass(frozen=True)
class Slow:
    """Notes who did the part and when; the first part takes as long as all others together."""

    folder: str

    def __call__(self, part: str) -> None:
        time.sleep(4.0 if part == "0" else 0.2)
        with open(Path(self.folder) / part, "a", encoding="ascii") as f:
            f.write(f"{os.getpid()}\n")


def test_a_worker_takes_the_next_part_while_another_is_busy(here, tmp_path):
    parts = [str(i) for i in range(9)]
    map_parts(RunnerSettings(workers=2), parts, Slow(str(tmp_path)))
    did = {p: (tmp_path / p).read_text().split() for p in parts}
    assert all(len(who) == 1 for who in did.values())  # once each
    assert len({did[p][0] for p in parts}) == 2
    assert sum(did[p] == did["0"] for p in parts) <= 3  # dealt out beforehand it would have had four or five


@dataclass(frozen=True)
class Loaded:
    """Writes what was there before the work began, and the threads of the process that it was forked from."""

    folder: str

    def __call__(self, part: str) -> None:
        there = sorted({"torch", "open_clip"} & set(sys.modules))
        threads = [Path(f"/proc/{os.getppid()}/task/{t}/comm").read_text().strip() for t in os.listdir(f"/proc/{os.getppid()}/task")]
        (Path(self.folder) / part).write_text(f"{there} {len(threads)} {threads}")


@pytest.mark.timeout(300)
def test_the_nursery_runs_one_thread_with_the_model_s_packages_too(here, tmp_path):
    """A fork while another thread holds a lock stands still for ever; so there must be none."""
    THE_NURSERY.preload(CLIP)
    map_parts(RunnerSettings(workers=2), PARTS, Loaded(str(tmp_path)))
    for p in PARTS:
        assert (tmp_path / p).read_text().startswith("['open_clip', 'torch'] 1 "), (tmp_path / p).read_text()


@pytest.mark.timeout(120)
def test_a_killed_worker_ends_the_run_with_one_sentence(here):
    with pytest.raises(WorkFailed, match=r"worker process killed by SIGKILL .*run the same command again to resume"):
        map_parts(RunnerSettings(workers=2), PARTS, Die())


@pytest.mark.timeout(120)
@pytest.mark.parametrize("after", [1, 2])
def test_a_nursery_killed_before_its_workers_report_ends_the_run(here, monkeypatch, after):
    """Nobody has been asked anything yet, and no stream is open that could break: the run used to wait for ever."""
    THE_NURSERY.close()
    start, started = THE_NURSERY.start, []

    def then_die(*args) -> None:
        start(*args)
        started.append(args[0])
        if len(started) == after:
            THE_NURSERY._process.kill()

    monkeypatch.setattr(THE_NURSERY, "start", then_die)
    with pytest.raises(WorkFailed, match=r"(its nursery|are forked from) ended.*run the same command again to resume"):
        map_parts(RunnerSettings(workers=2), PARTS, Die())
    monkeypatch.undo()


def test_the_next_pass_has_a_nursery_again(here, tmp_path):
    THE_NURSERY.open()
    THE_NURSERY._process.kill()
    THE_NURSERY._process.wait()
    map_parts(RunnerSettings(workers=2), PARTS, Note(str(tmp_path)))
    assert sorted(p.name for p in tmp_path.iterdir()) == PARTS


def test_what_a_dead_nursery_is_told_is_no_failure():
    nursery = Nursery()
    nursery.preload(("json",))  # not started yet
    nursery.open()
    nursery._process.kill()
    nursery._process.wait()
    nursery._ended["w"] = lambda how: None
    nursery.stop("w")
    nursery.soon(("json",))
    nursery.preload(("csv",))
    assert nursery._ended == {} and nursery._more == ["json", "csv"]
    nursery.close()


@dataclass(frozen=True)
class Leave:
    def __call__(self, part: str) -> None:
        if part == "c":
            os._exit(0)


@pytest.mark.timeout(120)
def test_a_worker_that_leaves_without_a_word_ends_the_run(here):
    with pytest.raises(WorkFailed, match=r"worker process left .*run the same command again to resume"):
        map_parts(RunnerSettings(workers=2), PARTS, Leave())


def test_workers_die_with_a_killed_driver(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {HERE!r})\n"
        "import time\nfrom pipelines.beam import map_parts\nfrom pipelines.settings.run import RunnerSettings\n"
        "from test_workers import Sleep\n"
        f"map_parts(RunnerSettings(workers=2), ['a', 'b'], Sleep({str(tmp_path)!r}))"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 100
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    pids = [int(p.read_text()) for p in tmp_path.iterdir()]
    assert len(pids) == 2 and all(map(alive, pids))
    driver.kill()
    driver.wait()
    end = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(map(alive, pids))


@dataclass(frozen=True)
class Sleep:
    folder: str

    def __call__(self, part: str) -> None:
        pending = Path(self.folder).parent / f"{part}.pid"
        pending.write_text(str(os.getpid()))
        pending.rename(Path(self.folder) / part)
        time.sleep(300)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_stream_that_breaks_as_a_worker_ends_is_no_traceback(monkeypatch, capsys):
    import grpc

    from pipelines import beam

    monkeypatch.delenv("WEFT_DEBUG", raising=False)
    hook = beam._silence(threading.__excepthook__)

    def shown(name: str, error: Exception) -> str:
        hook(threading.ExceptHookArgs((type(error), error, None, threading.Thread(name=name))))
        return capsys.readouterr().err

    assert shown("read_grpc_client_inputs", grpc.RpcError()) == ""
    assert "RpcError" in shown("fetch", grpc.RpcError()) and "KeyError" in shown("read_grpc_client_inputs", KeyError("x"))
    monkeypatch.setenv("WEFT_DEBUG", "1")
    assert "RpcError" in shown("read_grpc_client_inputs", grpc.RpcError())
