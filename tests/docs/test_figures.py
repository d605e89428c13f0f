"""Figures that stand in prose are those of the demo run; the notebook's stored outputs are those that it gives."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from schemas import layout

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("docs")


def funnel(run: Path, stage: str, unit: str) -> tuple[int, int]:
    """(kept, entered) of a stage, from its manifest."""
    current = json.loads((run / "stages" / layout.CURRENT).read_text())
    counts = json.loads((run / layout.stage_dir(stage, current[stage]) / layout.STAGE_MANIFEST).read_text())["counts"][unit]
    return counts["kept"], counts["entered"]


def test_the_yields_of_the_method_page_are_the_demo_runs(demo_run: Path) -> None:
    rows = re.findall(
        r"^\| (extract|dedup|select)[^|]*\| ([\d,]+) of ([\d,]+) \| ([\d,]+) of ([\d,]+) \|",
        (ROOT / "docs" / "method.md").read_text(),
        re.M,
    )
    assert [r[0] for r in rows] == ["extract", "dedup", "select"]
    for stage, *figures in rows:
        said = [int(x.replace(",", "")) for x in figures]
        found = [*funnel(demo_run / "run", stage, "documents"), *funnel(demo_run / "run", stage, "images")]
        off = 2 if stage == "select" else 0  # the last bits of a similarity depend on the processor
        assert all(abs(a - b) <= off for a, b in zip(said, found, strict=True)), (
            f"{stage}: docs/method.md says {said}, the demo run has {found}"
        )
