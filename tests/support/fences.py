"""Fenced blocks of Markdown pages, for tests that run what the documentation shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w-]*) *(?P<title>.*)$")
_EXEMPT = re.compile(r"<!-- not run: (.+?) -->")


@dataclass(frozen=True)
class Block:
    """One fence: where it begins, its language, its text, and why it is not run ("" = it is)."""

    page: Path
    line: int
    language: str
    text: str
    exempt: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fences of a page, in order. ValueError for one that never ends."""
    out: list[Block] = []
    lines = page.read_text(encoding="utf-8").splitlines()
    i = 0
    while i < len(lines):
        if m := _FENCE.match(lines[i]):
            begin, indent = i, m["indent"]
            i += 1
            body: list[str] = []
            while i < len(lines) and lines[i].strip() != "```":
                body.append(lines[i].removeprefix(indent))
                i += 1
            if i == len(lines):
                raise ValueError(f"{page}:{begin + 1}: this block has no end")
            before = next((x for x in reversed(lines[max(0, begin - 2) : begin]) if x.strip()), "")
            said = _EXEMPT.search(before)
            out.append(Block(page, begin + 1, m["language"], "\n".join(body) + "\n", said[1] if said else ""))
        i += 1
    return out


def pages(repo: Path) -> list[Path]:
    """Every Markdown page that users read."""
    return sorted([*repo.glob("*.md"), *(repo / "docs").rglob("*.md")])


def prose(page: Path) -> list[str]:
    """What stands in backticks outside of fences."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [" ".join(x.split()) for x in re.findall(r"(?<!`)`([^`]+)`(?!`)", text)]


def indented(page: Path) -> list[int]:
    """Lines that Markdown takes for code without a fence around it, which no test would run."""
    out: list[int] = []
    inside, before, listed = False, "", False
    for n, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            if re.match(r"\s*(?:[-*]|\d+\.) ", line):
                listed = True
            elif line.strip() and not line.startswith(" "):
                listed = False
            if line.startswith("    ") and not listed and (not before.strip() or n - 1 in out):
                out.append(n)
        before = line
    return out
