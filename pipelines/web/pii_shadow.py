"""A text as a detector should see it: full-width forms as ASCII, entities decoded, invisible characters gone, with the way
back to positions in the original."""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from typing import NamedTuple

_ENTITY = r"&(?:amp;)?(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|commat|period|colon|lpar|rpar|lsqb|rsqb|num|hyphen|plus|nbsp|lowbar);?"
INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\ufeff"
_ODD = re.compile(rf"{_ENTITY}|[{INVISIBLE}]+|%40")
_PERHAPS_ODD = re.compile(rf"[&%{INVISIBLE}]")  # one set is looked for much faster

# one character for one character: full-width ASCII, other digits, dots and at signs
SAME_LENGTH = {0xFF01 + i: 0x21 + i for i in range(94)}
SAME_LENGTH |= {ord(c): ord(".") for c in "\u3002\uff61\u2024\ufe52"} | {ord("\ufe6b"): ord("@"), 0x3000: 0x20, 0xA0: 0x20, 0x202F: 0x20}
SAME_LENGTH |= {base + i: 0x30 + i for base in (0x0660, 0x06F0, 0x0966, 0x09E6) for i in range(10)}

_MAPPED = re.compile(f"[{''.join(map(chr, SAME_LENGTH))}]")


class Shadow(NamedTuple):
    """`text`, and where its pieces come from: piece i begins at `seen[i]` here and `original[i]` there. A piece that was
    decoded stands for all its characters together."""

    text: str
    seen: tuple[int, ...] = ()
    original: tuple[int, ...] = ()
    length: int = 0

    @classmethod
    def of(cls, text: str) -> Shadow:
        plain = text if text.isascii() or not _MAPPED.search(text) else text.translate(SAME_LENGTH)
        if not _PERHAPS_ODD.search(plain):
            return cls(plain)
        pieces: list[str] = []
        seen, original = [0], [0]
        at = here = 0
        for m in _ODD.finditer(plain):
            before, new = plain[at : m.start()], _decoded(m[0])
            pieces += (before, new)
            here += len(before)
            if new:
                seen.append(here)
                original.append(m.start())
                here += len(new)
            seen.append(here)
            original.append(m.end())
            at = m.end()
        if at == 0:
            return cls(plain)
        pieces.append(plain[at:])
        return cls("".join(pieces), tuple(seen), tuple(original), len(text))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the original of [start, end)."""
        if not self.seen:
            return start, end
        return self._place(start), self._place(end - 1, last=True)

    def _place(self, at: int, last: bool = False) -> int:
        i = bisect_right(self.seen, at) - 1
        place = self.original[i] + (at - self.seen[i])
        if not last:
            return place
        # one behind the character, and behind the whole entity if it was decoded from one
        following = self.original[i + 1] if i + 1 < len(self.seen) and self.seen[i + 1] == at + 1 else None
        return max(place + 1, following) if following is not None and _is_decoded(self, i) else place + 1


def _is_decoded(shadow: Shadow, i: int) -> bool:
    """Whether piece i is shorter here than in the original."""
    here = shadow.seen[i + 1] - shadow.seen[i]
    return shadow.original[i + 1] - shadow.original[i] != here


def _decoded(found: str) -> str:
    if found == "%40":
        return "@"
    if found[0] != "&":
        return ""  # invisible
    bare = found.replace("&amp;", "&", 1)
    char = html.unescape(bare if bare.endswith(";") else bare + ";")
    return char if len(char) == 1 and char.isprintable() else " "
