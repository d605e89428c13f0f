"""Short forms of the fault campaigns; `make chaos` runs the long ones (docs/reliability.md has their results)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import disk, golden, kills, mutate, object_store, poison, race, soak

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_random_kills(tmp_path: Path) -> None:
    row = kills.campaign(tmp_path, kills=4, seed=int(os.environ.get("WEFT_SEED", "1")))
    assert row["wrong"] == [], row
    assert sum(row["kills"].values()) >= 4


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(sys.platform != "linux", reason="the shim is built for Linux")
def test_calls_that_fail(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.faults.io", "--every", "151", "--first", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode == 4:
        pytest.skip("no C compiler")
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, done.stderr[-3000:]
    assert sum(r["failed"] for r in rows) >= 15 and {"4"} <= {c for r in rows for c in r["exits"]}


@pytest.mark.timeout(900)
def test_poisoned_pages_of_every_kind(tmp_path: Path) -> None:
    row = poison.trial(tmp_path, each=1, seed=0)
    assert row["wrong"] == [] and len(row["dead"]) == len(poison.KINDS), row


def test_a_half_file_is_seen(tmp_path: Path) -> None:
    shard, table = tmp_path / "shards" / "a.tar", tmp_path / "stages" / "extract" / "0" / "nodes" / "0.parquet"
    for path in (shard, table):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"whole")
    whole = golden.files(tmp_path)
    shard.write_bytes(b"who")
    found = golden.half(tmp_path, whole)
    assert found[0] == "shards/a.tar" and found[1].startswith("stages/extract/0/nodes/0.parquet: ")


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_an_object_store_that_fails(tmp_path: Path) -> None:
    row = object_store.trial(tmp_path, refused=0.1, seed=1)
    assert row["wrong"] == [] and row["codes"][-1] == 0 and min(row["requests"].values()) > 5, row


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    try:
        row = disk.campaign(tmp_path, sizes=3)
    except PermissionError as e:
        pytest.skip(f"no disk can be mounted here: {e}")
    assert row["wrong"] == [] and 4 in row["codes"], row


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_attempts_at_once(tmp_path: Path) -> None:
    row = race.campaign(tmp_path, times=2, seed=1)
    assert row["wrong"] == [], row


def test_a_write_to_an_object_store_that_breaks_off_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    from pipelines import storage

    with object_store.server() as (environment, _):
        for name in (*object_store.KEYS, "AWS_ENDPOINT_URL"):
            monkeypatch.setenv(name, environment[name])
        fsspec.filesystem("s3").clear_instance_cache()
        for size in (5, 12 << 20):  # one request, and an upload in parts
            with pytest.raises(ValueError, match="half"), storage.atomic(f"s3://weft/{size}") as f:
                f.write(b"x" * size)
                raise ValueError("half")
            assert not storage.exists(f"s3://weft/{size}")
            with storage.atomic(f"s3://weft/{size}") as f:
                f.write(b"y" * size)
            assert storage.read_bytes(f"s3://weft/{size}") == b"y" * size
        assert storage.listing("s3://weft") == sorted(["5", str(12 << 20)])
        fsspec.filesystem("s3").clear_instance_cache()


def test_a_mutant_that_no_test_kills_is_named(tmp_path: Path) -> None:
    found = mutate.mutants("def f(a):\n    if a > 1 and not a == 5:\n        return a + 1\n    return 0\n", ("f",))
    said = {what.split(":")[1].strip() for what, _ in found}
    assert said == {"condition turned round", "operator", "comparison", "not left out", "nothing returned", "one more"}
    assert len({text for _, text in found}) == len(found) > 8
    (tmp_path / "test_it.py").write_text(
        "from pathlib import Path\n\ndef test_it():\n    names = {}\n    exec(Path('code.py').read_text(), names)\n    assert names['f'](1) == 0\n"
    )
    (tmp_path / "code.py").write_text("def f(a):\n    if a > 1:\n        return a + 1\n    return 0\n")
    assert not _killed(tmp_path)
    (tmp_path / "code.py").write_text("def f(a):\n    if a >= 1:\n        return a + 1\n    return 0\n")
    assert _killed(tmp_path)


def _killed(folder: Path) -> bool:
    """From a process of its own: pytest does not run inside pytest."""
    code = "import sys; from pathlib import Path; from tests.faults.mutate import killed; print(killed(Path(sys.argv[1]), ('test_it.py',), 60))"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True)
    return {"True": True, "False": False}[done.stdout.strip()]


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_four_times_the_input_in_the_same_memory(tmp_path: Path) -> None:
    row = soak.campaign(tmp_path, pages=200, times=4, workers=2, lopsided=400)
    assert row["wrong"] == [], row
    assert set(row["peak_mb"][1]) >= {"driver", "worker", "child"} and min(row["peak_mb"][1].values()) > 20, row


def test_growth_is_seen() -> None:
    small = {"pages": 10, "peak_mb": {"driver": 500, "worker": 1000}}
    assert soak.growth(small, {"pages": 20, "peak_mb": {"driver": 550, "worker": 1100}}) == []
    found = soak.growth(small, {"pages": 20, "peak_mb": {"driver": 551, "worker": 1600}})
    assert [f.split(":")[0] for f in found] == ["driver", "worker", "worker"] and "more than 1536" in found[2]
