"""The demo run that README and docs speak of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `weft demo` leaves, without the training; WEFT_DEMO_RUN names one that is there already."""
    if made := os.environ.get("WEFT_DEMO_RUN"):
        return Path(made).resolve()
    # Below its own folder, as a reader does it: the archives' paths are relative, so a copy of the folder goes on where the run stopped.
    folder = tmp_path_factory.mktemp("docs")
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "weft.main", "demo", "--no-train"], check=True, cwd=folder, env=env, timeout=600)
    return folder / "demo-run"
