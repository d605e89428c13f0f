from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from pipelines.guard import Death, Guard, GuardError, GuardLimits

TARGET = "tests.support.guard_targets:act"
LIMITS = GuardLimits(memory_bytes=256 << 20, seconds_per_item=1.0, wall_seconds_per_item=20.0, reply_bytes=1 << 20)


@pytest.fixture(autouse=True)
def _targets_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


def deaths(items: list[bytes], **kw):
    with Guard(TARGET, LIMITS) as guard:
        got = list(guard.map(items, **kw))
    assert [i for i, _ in got] == items
    return [r for _, r in got], guard


def test_results_come_back_in_order_and_in_batches():
    items = [b"zz%d" % i for i in range(1000)]
    results, guard = deaths(items, batch=64)
    assert results == [i[::-1] for i in items]
    assert guard.starts == 1 and guard.deaths == 0


def test_empty_and_large_items():
    results, _ = deaths([b"", b"z" * 900_000, b""])
    assert results == [b"", b"z" * 900_000, b""]


@pytest.mark.parametrize(
    ("item", "kind", "error"),
    [
        (b"s", "crash", "SIGSEGV"),
        (b"a", "crash", "SIGABRT"),
        (b"x", "crash", "exit 7"),
        (b"h", "timeout", "SIGPROF"),
        (b"m", "memory", "MemoryError"),
        (b"g", "memory", "MemoryError"),
        (b"o", "memory", "reply_bytes"),
        (b"r", "timeout", "SIGPROF"),
        (b"e", "exception", "ValueError"),
        (b"i", "exception", "KeyboardInterrupt"),
        (b"f", "exception", "OSError"),
    ],
)
def test_one_bad_item_costs_only_itself(item, kind, error):
    items = [b"z1", b"z2", item, b"z3", b"z4"]
    results, _ = deaths(items)
    assert [r for i, r in zip(items, results, strict=True) if i != item] == [b"1z", b"2z", b"3z", b"4z"]
    death = results[2]
    assert isinstance(death, Death) and death.kind == kind and error in death.error and death.message


def test_waiting_is_bounded_too():
    with Guard(TARGET, GuardLimits(wall_seconds_per_item=1.0)) as guard:
        results = [r for _, r in guard.map([b"z", b"w", b"z"])]
    assert results[0] == results[2] == b"z" and results[1].kind == "timeout"


def test_many_deaths_in_one_batch():
    results, guard = deaths([b"a", b"z", b"s", b"a", b"z", b"x"], batch=6)
    assert [r if isinstance(r, bytes) else r.kind for r in results] == ["crash", b"z", "crash", "crash", b"z", "crash"]
    assert guard.deaths >= 4


def test_endless_output_to_stdout_and_stderr_is_harmless():
    results, _ = deaths([b"p", b"z"])
    assert results[1] == b"z"


def test_exceptions_group_by_trace():
    results, _ = deaths([b"e1", b"e2", b"i"])
    assert results[0].trace == results[1].trace != results[2].trace
    assert "not what I expected" in results[0].message


def test_no_secrets_reach_the_child(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    results, _ = deaths([b"E"])
    assert b"hush" not in results[0] and b"AWS" not in results[0]


def test_the_child_has_no_network_where_the_kernel_allows_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        results, _ = deaths([b"c%d" % server.getsockname()[1]])
    if results == [b"connected"]:
        pytest.skip("this kernel refuses user namespaces")
    assert isinstance(results[0], Death) and results[0].kind == "exception"


def test_an_item_is_not_blamed_for_what_an_earlier_one_did():
    with Guard("tests.support.guard_targets:make", LIMITS, setup=b"poison") as guard:
        results = [r for _, r in guard.map([b"a", b"poison", b"innocent", b"b"])]
    assert results == [b"a", b"poison", b"innocent", b"b"]
    assert guard.deaths == 1


def test_an_item_is_not_blamed_for_memory_that_others_used_up():
    with Guard("tests.support.guard_targets:make", LIMITS, setup=b"hoard") as guard:
        items = [b"%d" % i for i in range(12)]
        assert [r for _, r in guard.map(items)] == items
    assert guard.deaths >= 3


def test_setup_reaches_the_target_after_a_restart():
    with Guard("tests.support.guard_targets:make", LIMITS, setup=b"<") as guard:
        assert guard(b"1") == b"<1"
        guard.close()
        assert guard(b"2") == b"<2"


def test_a_target_that_cannot_be_loaded_is_an_error_of_its_own():
    with pytest.raises(GuardError, match="no such model"):
        Guard("tests.support.guard_targets:make", LIMITS, setup=b"bad")(b"1")
    with pytest.raises(GuardError, match="nowhere"):
        Guard("nowhere:act", LIMITS)(b"1")


def test_children_are_replaced_after_a_number_of_items():
    with Guard(TARGET, GuardLimits(items_per_child=10)) as guard:
        pids = {r for _, r in guard.map([b"P"] * 40, batch=5)}
    assert len(pids) == 4


def test_an_item_in_pieces_is_given_as_arguments():
    items = [(b"a", memoryview(b"z" * 300_000)[1:], b""), (b"", b"b", b"c"), (b"k", b"", b""), (b"", memoryview(b"d"), b"")]
    with Guard("tests.support.guard_targets:make", LIMITS, setup=b"pieces") as guard:
        got = list(guard.map(items, batch=3))
        assert guard(items[1]) == b"|b|c"
    assert [i for i, _ in got] == items
    results = [r for _, r in got]
    assert results[:2] == [b"a|" + b"z" * 299_999 + b"|", b"|b|c"] and results[3] == b"|d|"
    assert isinstance(results[2], Death) and results[2].error == "SIGABRT"
    with Guard("tests.support.guard_targets:make", LIMITS, setup=b"pieces") as guard, pytest.raises(ValueError, match="pieces"):
        list(guard.map([(b"a", b"b"), b"c", (b"d", b"e", b"f")]))


def test_deterministic_whatever_the_batch_size():
    items = [b"z1", b"s", b"e", b"z2", b"a", b"z3"]
    runs = [deaths(items, batch=n)[0] for n in (1, 2, 6)]
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux limits")
def test_child_ends_with_its_guard():
    guard = Guard(TARGET, LIMITS)
    pid = int(guard(b"P"))
    guard.close()
    assert not Path(f"/proc/{pid}").exists()
