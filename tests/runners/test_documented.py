"""The commands of docs/runners/ on the demo's own run, word for word, where the engine they need is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo import build
from demo.server import serve
from pipelines.settings.config import dump
from tests.runners import engines
from tests.support.fences import blocks
from weft.verbs.demo import at_server, demo_config

ROOT = Path(__file__).resolve().parents[2]
RUNS = {  # page -> what its command needs
    "prism": ("WEFT_PRISM", "Prism"),
    "spark": ("WEFT_SPARK_JOB_SERVER", "Beam's Spark job server"),
    "flink": ("WEFT_FLINK_JOB_SERVER", "Beam's Flink job server"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the configuration that `weft demo` leaves, on a smaller web."""
    folder = tmp_path_factory.mktemp("documented")
    web = build(folder / "web", 60, 7)
    with serve(web) as server:
        run = folder / "demo-run" / "run"
        run.mkdir(parents=True)
        config = at_server(demo_config([str(w) for w in web.warcs], 1, ["input.unit_bytes=65536"]), server.port)
        (run / "config.toml").write_text(dump(config), encoding="utf-8")
        tool = folder / "bin" / "weft"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m weft.main "$@"\n')
        tool.chmod(0o755)
        yield folder


def command(page: str) -> str:
    """The page's one command that runs the demo's configuration."""
    found = [b.text for b in blocks(ROOT / "docs" / "runners" / f"{page}.md") if "demo-run/run/config.toml" in b.text]
    assert len(found) == 1, page
    return found[0]


def run(place: Path, text: str) -> None:
    env = {**os.environ, "PATH": f"{place / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=place, env=env, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def digests(place: Path, name: str) -> list[str]:
    """What dedup wrote, but for the folder's name."""
    found = sorted((place / "runs" / name / "stages" / "dedup").glob("*/decisions/*.parquet"))
    return [p.read_bytes().hex() for p in found]


@pytest.mark.slow
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("page", [pytest.param(p, marks=getattr(pytest.mark, p, [])) if p != "prism" else p for p in RUNS])
def test_the_page_s_command(page: str, place: Path) -> None:
    engines.needed(*RUNS[page])
    if page != "prism":
        engines.java()
    if not (place / "runs" / "first").exists():
        run(place, command("one-machine"))
    run(place, command(page))
    assert digests(place, page) == digests(place, "first") != []


def test_every_engine_has_a_page_with_one_command() -> None:
    for page in (*RUNS, "one-machine"):
        assert f"-o runs/{'first' if page == 'one-machine' else page} " in command(page)
