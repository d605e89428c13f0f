"""Where sentences end, in many scripts."""

from __future__ import annotations

import re

TERMINAL = tuple(".!?\"'\u201d\u2019\u00bb\u2026\u3002\uff01\uff1f\u0964\u0965\u061f\u06d4\u104b\u17d4\u1362\u300d\u300f")
_END = re.compile(
    r"[.!?\u2026\u061f\u06d4]+[\"\'\u201d\u2019\u00bb)\]]*(?=\s|$)|[\u3002\uff01\uff1f\u0964\u0965\u104b\u17d4\u1362]+|\n\n+|\Z"
)


def count(text: str) -> int:
    """Sentences of a text: ends of sentence marks, and paragraphs that end without one."""
    n, last = 0, 0
    for match in _END.finditer(text):
        if text[last : match.start()].strip():
            n += 1
        last = match.end()
    return n
