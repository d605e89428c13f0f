"""Fixtures for all tests: real data where it lies beside the project, and nothing from outside the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("weft", deadline=None)  # no test is timed: a loop is compiled when it is first called, and machines are shared
settings.load_profile("weft")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real and hostile input that lies beside a checkout (WEFT_DATA names another); skips where there is none."""
    folder = Path(os.environ.get("WEFT_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout (set WEFT_DATA)")
    return folder


@pytest.fixture(scope="session")
def repo() -> Path:
    return ROOT
