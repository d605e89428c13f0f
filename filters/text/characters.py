"""Classes of characters, as one byte of flags per code point, so that counting is a table look-up over an array."""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import numpy as np

from filters.text.segment import SPACELESS, ranges

SPECIAL = 1  # neither letter nor mark: white space, digits, punctuation, symbols, emoji, format characters
PUNCTUATION = 2  # , ; : ? ! . and their forms in other scripts
UPPER = 4
DIGIT = 8
LETTER = 16
SPACE = 32  # as str.isspace has it
NUMBER = 64  # digits, numerals, fractions ...
BASE = 128  # of a script that puts no space between words (filters.text.segment)

_MARKS = ",;:?!.،؛؟۔।॥。，、．：；？！｡､…‽։፡።፣፤፥፦፧၊။។៕᠂᠃"
_SPACES = 0x3001  # no white space from here on
_ASSIGNED = 0x32400  # above lie private use, tags and variation selectors: special, all of them


@cache
def table() -> np.ndarray:
    """uint8 flags for every code point."""
    out = np.full(sys.maxunicode + 1, SPECIAL, np.uint8)
    out[0xE0100:0xE01F0] = 0  # variation selectors are marks
    category = unicodedata.category
    flags = {"Lu": UPPER | LETTER, "Lt": UPPER | LETTER, "Ll": LETTER, "Lm": LETTER, "Lo": LETTER, "Mn": 0, "Mc": 0, "Me": 0}
    flags |= {"Nd": SPECIAL | DIGIT | NUMBER, "Nl": SPECIAL | NUMBER, "No": SPECIAL | NUMBER}
    out[:_ASSIGNED] = [flags.get(category(chr(i)), SPECIAL) for i in range(_ASSIGNED)]
    out[[i for i in range(_SPACES) if chr(i).isspace()]] |= SPACE
    for a, b in ranges(SPACELESS):
        out[a : b + 1] |= BASE
    for c in _MARKS:
        out[ord(c)] |= PUNCTUATION
    return out


def codes(text: str) -> np.ndarray:
    """The code points of a text (lone surrogates included) as uint32."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
