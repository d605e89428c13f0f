"""Short forms of the fuzzing: seeds and earlier finds are replayed, Hypothesis damages the seeds, and the fuzzer itself still finds bugs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import ledger
from tests.fuzz.targets import FOUND, TARGETS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_finds_are_handled(name: str) -> None:
    target = TARGETS[name]
    finds = sorted((FOUND / name).iterdir()) if (FOUND / name).is_dir() else []
    for data in (*target.seeds(), b"", b"\0" * 100, *(f.read_bytes() for f in finds)):
        target.run(data)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_seeds_are_handled(name: str) -> None:
    target = TARGETS[name]
    seeds = target.seeds()

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(seeds), st.lists(st.tuples(st.integers(0, 4000), st.binary(max_size=8), st.integers(0, 40)), max_size=6))
    def damaged(seed: bytes, edits: list[tuple[int, bytes, int]]) -> None:
        for at, new, cut in edits:
            at %= len(seed) + 1
            seed = seed[:at] + new + seed[at + cut :]
        target.run(seed)

    damaged()


def test_every_find_belongs_to_a_target() -> None:
    assert {p.name for p in FOUND.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("name", ["url", "html", "text"])  # the last two run compiled loops, which must not be instrumented
def test_the_fuzzer_runs_and_can_fail(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has wheels for Linux only")
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", "3", "--corpus", str(tmp_path), "--ledger", str(tmp_path / "ledger")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and '"runs": 0' not in done.stdout, done.stdout + done.stderr
    (campaign,) = ledger.read(tmp_path / "ledger")
    assert campaign["target"] == name and campaign["inputs"] > 0 and campaign["cpu_s"] > 0 == campaign["finds"], campaign


def test_the_ledger_adds_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    for name, cpu, runs, found in (("url", 1700, 10, []), ("tar", 60, 7, ["a find"]), ("url", 100, 1_000_000, [])):
        ledger.add({"target": name, "cpu_s": cpu, "runs": runs, "found": found}, path)
    said = ledger.table(ledger.read(path)).splitlines()
    assert len(said) == 2 + len(TARGETS)
    assert any(line.startswith("| url | 1,800 | 50% | 1,000,010 | 0 | 2 | 20") for line in said)
    assert any(line.startswith("| tar | 60 | 2% | 7 | 1 | 1 | 20") for line in said)
    assert "| warc | 0 | 0% | 0 | 0 | 0 |  |" in said


def test_the_page_shows_the_ledgers_sums() -> None:
    assert {c["target"] for c in ledger.read()} <= set(TARGETS)
    assert ledger.main(["--check"]) == 0, "run: python -m tests.fuzz.ledger"


def test_a_page_without_marks_is_refused() -> None:
    assert ledger.filled(f"a {ledger.BEGIN} old {ledger.END} b", "new").split() == f"a {ledger.BEGIN} new {ledger.END} b".split()
    with pytest.raises(ValueError, match="lacks the marks"):
        ledger.filled("a page", "new")
