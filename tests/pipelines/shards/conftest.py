"""One really packed and published run for the tests of this folder; tests that change it take a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipelines.shards.run_manifest import publish
from tests.support.tables import FakeRun, packed


@pytest.fixture(scope="session")
def packed_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeRun, Path]:
    root = tmp_path_factory.mktemp("packed") / "run"
    run, _ = packed(root, 30)
    publish(str(root))
    return run, root


@pytest.fixture
def run_copy(packed_run: tuple[FakeRun, Path], tmp_path: Path) -> Path:
    target = tmp_path / "run"
    shutil.copytree(packed_run[1], target)
    return target
