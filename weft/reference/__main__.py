"""python -m weft.reference [--check] [FOLDER]: write the reference pages, or say which are out of date (exit 1)."""

from __future__ import annotations

import sys
from pathlib import Path

from filters import catalogue
from weft.reference import cli, config, metrics, reasons, recipe, tables

PAGES = {
    "config.md": config.markdown,
    "reasons.md": reasons.markdown,
    "tables.md": tables.markdown,
    "cli.md": cli.markdown,
    "recipe.md": recipe.markdown,
    "metrics.md": metrics.markdown,
}


def stale(docs: Path, write: bool) -> list[str]:
    """Pages below `docs` that differ from what the code says; written when `write`."""
    new = {docs / "reference" / name: page() for name, page in PAGES.items()}
    rules = docs / "filters.md"
    new[rules] = catalogue.fill(rules.read_text(encoding="utf-8"))
    out = [p for p, text in new.items() if not p.is_file() or p.read_text(encoding="utf-8") != text]
    for p in out if write else ():
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(new[p], encoding="utf-8")
    return [str(p.relative_to(docs)) for p in out]


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    folder = Path(next((a for a in arguments if not a.startswith("-")), "docs"))
    found = stale(folder, write=not check)
    print("\n".join(found) if found else "all pages are current")
    return 1 if check and found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
