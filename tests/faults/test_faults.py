"""Short forms of the fault campaigns; `make chaos` runs the long ones (docs/reliability.md has their results)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import golden, kills, poison

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
