"""Every command, program, query and configuration in README and docs works, on a demo run.

A `bash`, `python` or `sql` block runs in a folder that holds `demo-run`, made by `weft demo`; the blocks of a page run in order in one
folder of their own. A block that cannot run here says why in a comment before it: `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.fences import Block, blocks, indented, pages

ROOT = Path(__file__).resolve().parents[2]
RUN = ("bash", "python", "sql")
SHOWN = ("text", "toml", "json", "html", "yaml", "")
PAGES = [p for p in pages(ROOT) if any(b.language in RUN and not b.exempt for b in blocks(p))]
COMMANDS = ("weft ", "make ", "python -m ", "pip ", "uv ")

pytestmark = pytest.mark.xdist_group("docs")


@pytest.fixture
def place(demo_run: Path, tmp_path: Path) -> Path:
    """A folder with the project's sample and the configurations, as a reader who sits in a checkout has."""
    shutil.copytree(demo_run, tmp_path / "demo-run")
    for name in ("configs", "docs", "deploy", "setup.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_the_blocks_of_a_page_run(page: Path, place: Path) -> None:
    for block in blocks(page):
        if block.language in RUN and not block.exempt:
            _run(block, place)


def _run(block: Block, place: Path) -> None:
    env = {**os.environ, "PATH": f"{_tools(place)}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "COLUMNS": "130"}
    command = {
        "bash": ["bash", "-euo", "pipefail", "-c", block.text],
        "python": [sys.executable, "-c", block.text],
        "sql": [sys.executable, "-c", f"import duckdb\nprint(duckdb.sql({block.text!r}))"],
    }[block.language]
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{block}: exit {done.returncode}\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def _tools(place: Path) -> Path:
    """`weft` and `python` of this environment and this checkout, first on the path."""
    folder = place / ".tools"
    if not folder.exists():
        folder.mkdir()
        for name, arguments in (("weft", "-m weft.main "), ("python", "")):
            script = folder / name
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
            script.chmod(0o755)
    return folder


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda p: p.name)
def test_commands_are_in_blocks_that_run(page: Path) -> None:
    for block in blocks(page):
        assert block.language in (*RUN, *SHOWN), f"{block}: language {block.language!r} is neither run nor plain text"
        if block.language not in RUN and not block.exempt:
            said = [x for x in block.text.splitlines() if x.strip().startswith(COMMANDS)]
            assert not said, f"{block}: commands in a block that nobody runs: {said[0]!r}; call it bash, or say why not"


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda p: p.name)
def test_no_code_without_a_fence(page: Path) -> None:
    assert indented(page) == [], "lines that Markdown shows as code and no test would run: put a fence around them"


def test_configurations_are_valid() -> None:
    from pipelines.settings.config import parse

    checked = 0
    for page in pages(ROOT):
        for block in blocks(page):
            if block.language == "toml" and not block.exempt:
                parse(block.text, str(block))
                checked += 1
    assert checked >= 3


def test_a_broken_block_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```bash\nweft no-such-verb\n```\n\n<!-- not run: needs a cluster -->\n```bash\nfalse\n```\n")
    first, second = blocks(page)
    assert (first.line, first.exempt, second.exempt) == (1, "", "needs a cluster")
    with pytest.raises(AssertionError, match="no verb 'no-such-verb'"):
        _run(first, tmp_path)
    page.write_text("```bash\nweft\n")
    with pytest.raises(ValueError, match="no end"):
        blocks(page)
    page.write_text("1. A list\n\n    goes on.\n\nText.\n\n    weft run\n    weft why\n")
    assert indented(page) == [7, 8]
