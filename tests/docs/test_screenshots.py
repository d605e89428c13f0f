"""The pictures of README and docs show what the explorer says of the demo run today.

WEFT_SCREENSHOTS=1 takes them anew, with the words that stood on each page. Without it the pages' words are compared with those: a picture
itself differs with the fonts of a machine. Numbers are left out, since the last bits of a similarity differ by the processor.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.audit.browser import chromium, opened, served

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
WORDS = Path(__file__).with_name("screenshots.json")
HEIGHTS = {"overview": 700, "limit": 700, "document": 960}
SEEN = """height => [".nodes li.out .why", ".nodes li:not(.out) img"].every(
    kind => [...document.querySelectorAll(kind)].some(e => e.getBoundingClientRect().bottom < height))"""

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("docs")]
pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install 'weft[dev]')")


def show(page: Any, base: str, name: str) -> None:
    """Open a page of the explorer as it is pictured."""
    page.set_viewport_size({"width": 1100, "height": HEIGHTS[name]})
    if name != "document":
        page.goto(base + {"overview": "/", "limit": "/limit/pair.similarity.min?value=0.2"}[name], wait_until="networkidle")
        return
    for d in page.context.request.get(f"{base}/documents.json?fate=kept").json()["tables"]["documents"]:
        page.goto(f"{base}/document/{d['doc_id']}", wait_until="networkidle")
        if page.evaluate(SEEN, HEIGHTS[name] - 20):
            return
    pytest.fail("no document shows a dropped part and a kept picture without scrolling")


def words(page: Any) -> list[str]:
    return re.sub(r"[0-9a-f]{8,}|\d[\d,.]*", "#", page.inner_text("body")).split()


def test_pictures_are_current(demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chromium()
    monkeypatch.chdir(demo_run.parent)  # the archives' paths are relative to where the demo was made
    anew = bool(os.environ.get("WEFT_SCREENSHOTS"))
    found: dict[str, list[str]] = {}
    with served(str(demo_run / "run")) as base, opened(base, 1100, 700) as (page, _):
        for name in HEIGHTS:
            show(page, base, name)
            page.screenshot(path=(FOLDER if anew else tmp_path) / f"auditing-{name}.png")
            found[name] = words(page)
    if anew:
        WORDS.write_text(json.dumps({n: " ".join(w) for n, w in found.items()}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for name, said in json.loads(WORDS.read_text(encoding="utf-8")).items():
        alike = difflib.SequenceMatcher(None, said.split(), found[name], autojunk=False).ratio()
        assert alike > 0.97, (
            f"auditing-{name}.png shows another page than today's ({alike:.2f} alike): WEFT_SCREENSHOTS=1 pytest tests/docs/test_screenshots.py"
        )
    assert {p.name for p in FOLDER.iterdir()} == {f"auditing-{n}.png" for n in HEIGHTS}, "a picture that no test makes"
