"""What a text must hold to be worth a search for personal data, counted for many texts in one compiled pass.

Everything here errs on the side of searching: a text with none of these signs has nothing that `pii.find` would find.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from filters.compiled import compiled
from filters.text import characters
from pipelines.web.pii_shadow import INVISIBLE

_SKIP, _SPACE, _OPEN, _A, _T, _AT, _COLON, _ENTITY, _PERCENT = range(1, 10)
_SIZE: Final = 0x10000
_KINDS: Final = (
    (_OPEN, "[({<（［｛＜"), (_A, "aAäÄａＡ"), (_T, "tTｔＴ"), (_AT, "@＠﹫"), (_COLON, ":："), (_ENTITY, "&＆"), (_PERCENT, "%％"),
)  # fmt: skip
_DIGIT: Final = characters.DIGIT


class Cues(NamedTuple):
    """What a text shows; `ALL` where it has escapes, as these may stand for anything."""

    at: bool  # an at sign, or the word in brackets or between blanks
    digits: int  # decimal digits of any script
    colons: int

    def any(self) -> bool:
        return self.at or self.digits > 1 or self.colons > 1


ALL: Final = Cues(True, 1 << 30, 1 << 30)


@cache
def _table() -> Any:
    """uint8 kind of each code point below 65,536."""
    out = np.zeros(_SIZE, np.uint8)
    out[[i for i in range(_SIZE) if chr(i).isspace()]] = _SPACE
    for kind, members in ((_SKIP, INVISIBLE), *_KINDS):
        out[[ord(c) for c in members]] = kind
    return out


@compiled
def _cues(codes, starts, kinds, classes, out):  # type: ignore[no-untyped-def]
    """Row t: at signs, digits, colons, entities of codes[starts[t]:starts[t + 1]]."""
    for t in range(len(starts) - 1):
        at = digits = colons = entities = 0
        one = two = three = 0  # kinds of the last characters that can be seen, the latest first
        open_ = False  # a bracket, and since then nothing but blanks
        for i in range(starts[t], starts[t + 1]):
            c = codes[i]
            kind = kinds[c] if c < 0x10000 else 0
            if kind == _SKIP:
                continue
            if kind == 0:
                digits += (classes[c] & _DIGIT) != 0
                open_ = False
            elif kind == _AT or (kind == _A and open_):
                at += 1
                open_ = False
            elif kind == _SPACE:
                at += one == _T and two == _A and three == _SPACE
            elif kind == _OPEN:
                open_ = True
            else:
                colons += kind == _COLON
                entities += kind == _ENTITY or kind == _PERCENT
                open_ = False
            one, two, three = kind, one, two
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = at, digits, colons, entities


def of(texts: Sequence[str]) -> list[Cues]:
    """The cues of each text."""
    starts = np.cumsum([0, *map(len, texts)])
    out = np.empty((len(texts), 4), np.int64)
    _cues(characters.codes("".join(texts)), starts, _table(), characters.table(), out)
    return [ALL if escapes else Cues(bool(at), digits, colons) for at, digits, colons, escapes in out.tolist()]
