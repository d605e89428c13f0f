"""Data goes to stdout, text for people to stderr. Colour and bars only on a terminal; NO_COLOR is honoured."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: object) -> str:
    """Text that cannot move the cursor or reorder the line: crawled strings reach the terminal only through this."""
    return _CONTROL.sub("\ufffd", str(text))


def say(text: str = "") -> None:
    print(text, file=sys.stderr, flush=True)


def emit(value: Any) -> None:
    """A fact as JSON on stdout."""
    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def on_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else text


def table(rows: Iterable[Sequence[object]], head: Sequence[str], file: Any = None) -> None:
    """Columns aligned; numbers to the right."""
    body = [[clean(c) if not isinstance(c, float) else f"{c:,.4g}" for c in r] for r in rows]
    numeric = [all(_is_number(r[i]) for r in body) for i in range(len(head))] if body else [False] * len(head)
    widths = [max(len(h), *(len(r[i]) for r in body)) if body else len(h) for i, h in enumerate(head)]
    out = file or sys.stdout
    for n, row in enumerate([list(head), *body]):
        cells = [c.rjust(w) if num else c.ljust(w) for c, w, num in zip(row, widths, numeric, strict=True)]
        line = "  ".join(cells).rstrip()
        print(bold(line) if n == 0 else line, file=out)


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d,.]+(e[-+]?\d+)?%?", text))


def count(n: int) -> str:
    return f"{n:,}"


def size(n: float) -> str:
    """Bytes in words: 12.3 MB (powers of 1000)."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(n) < 1000 or unit == "TB":
            return f"{n:.0f} {unit}" if unit == "B" else f"{n:.1f} {unit}"
        n /= 1000
    return ""


def seconds(s: float) -> str:
    return f"{s:.1f} s" if s < 60 else f"{int(s // 60)} min {int(s % 60)} s"
