"""Every relative link in README and docs leads to a file, and every #anchor to a heading. (Pages on the web are not asked.)"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.fences import pages

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)[^)]*\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.M)
_FENCED = re.compile(r"^ *```.*?^ *```", re.M | re.S)


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    text = _FENCED.sub("", page.read_text(encoding="utf-8"))
    out = []
    for target in _LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            out.append(target)
    return out


def anchors(page: Path) -> set[str]:
    """The anchors that the site makes of the headings of a page."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", h) for h in _HEADING.findall(_FENCED.sub("", page.read_text(encoding="utf-8"))))
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in plain}


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One thing\n[a](#one-thing) [b](#two) [c](b.md) [d](https://example.org/x)\n```\n[e](gone.md)\n```\n")
    assert broken(page) == ["#two", "b.md"]


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    docs = ROOT / "docs"
    missing = [str(p.relative_to(docs)) for p in sorted(docs.rglob("*.md")) if f": {p.relative_to(docs)}" not in nav]
    assert missing == []
