"""Which kinds of personal data a text may hold, told for many texts in one compiled pass.

Everything here errs on the side of searching: where a sign is missing, the patterns of `pipelines.web.pii` that it stands for would find
nothing. A sign is a loose form of its pattern; characters are seen as `Shadow` shows them, and letters by what they are to a pattern that
ignores case.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from typing import Any, Final

import numpy as np

from filters.compiled import compiled
from filters.text import characters
from pipelines.web.pii_shadow import INVISIBLE, SAME_LENGTH

EMAIL, V4, V6, IBAN, CARD, INTERNATIONAL, AMERICAN, NAMED = (1 << i for i in range(8))
ALL: Final = 255

_SKIP, _OTHER, _FOREIGN, _PHONE = 0, 1, 2, 3  # beside these, characters are seen as ASCII in small letters, all digits as 0
_LIKE: Final = (
    ("a", "äÄ"), ("i", "İı"), ("s", "ſ"), ("k", "\u212a"), ("t", "тТ"), ("e", "еЕ"), ("l", "лЛ"), ("-", "\u2010\u2011\u2012\u2013\u2014\u2015"),
)  # fmt: skip
_A, _Z, _F, _D, _K, _N, _O, _P, _R, _T, _U = (ord(c) for c in "azfdknoprtu")
_ZERO, _SPACE, _DOT, _COLON, _AT, _PLUS, _MINUS, _SLASH, _AND, _PERCENT, _HASH, _LESS, _MORE = (ord(c) for c in "0 .:@+-/&%#<>")
_OPEN, _OPEN_SQUARE, _OPEN_CURLY, _CLOSE, _CLOSE_SQUARE, _CLOSE_CURLY = (ord(c) for c in "([{)]}")
_GAP: Final = 3  # characters between two digits of a number
_ROOM: Final = 8  # unseen characters before each text: how far the loop looks back
# ends of the words before a telephone number: tel, telephone, telefon, telefono, mobil, mobile, fax, call, whatsapp, hotline, number
_ENDS: Final = np.frombuffer(b"telonefononobililefaxallappineber", np.uint8).reshape(-1, 3)


@cache
def _table() -> Any:
    """uint8 for each code point: how it is seen."""
    out = np.full(sys.maxunicode + 1, _OTHER, np.uint8)
    classes = characters.table()
    out[(classes & characters.DIGIT) != 0] = _FOREIGN
    out[(classes & characters.SPACE) != 0] = _SPACE
    out[33:127] = [ord("0" if c.isdigit() else c.lower()) for c in map(chr, range(33, 127))]
    for code, seen in SAME_LENGTH.items():
        out[code] = out[seen]
    for seen, members in _LIKE:
        out[[ord(c) for c in members]] = ord(seen)
    out[[ord(c) for c in "話话"]] = _PHONE
    out[[ord(c) for c in INVISIBLE]] = _SKIP
    return out


@compiled
def _is_letter(c):  # type: ignore[no-untyped-def]
    return _A <= c <= _Z


@compiled
def _opens(c):  # type: ignore[no-untyped-def]
    return c == _OPEN or c == _OPEN_SQUARE or c == _OPEN_CURLY or c == _LESS


@compiled
def _closes(c):  # type: ignore[no-untyped-def]
    return c == _CLOSE or c == _CLOSE_SQUARE or c == _CLOSE_CURLY or c == _MORE


@compiled
def _bracketed(seen, i, at_word):  # type: ignore[no-untyped-def]
    """Whether the bracket that opens at i is one of an e-mail address: (at), (arroba), and after an at also (dot), (punkt), (.) ..."""
    i += 1
    for _ in range(2):
        i += seen[i] == _SPACE
    if seen[i] == _A:
        if seen[i + 1] == _R:
            return seen[i + 2] == _R
        if seen[i + 1] != _T:
            return False
        i += 2
        for _ in range(2):
            i += seen[i] == _SPACE
        return _closes(seen[i])
    if not at_word:
        return False
    after = seen[i + 1]
    return seen[i] == _DOT or (seen[i] == _D and after == _O) or (seen[i] == _P and (after == _U or after == _O))


@compiled
def _joined(seen, last, i):  # type: ignore[no-untyped-def]
    """Whether the digits at `last` and i may belong to one number."""
    if i - last - 1 > _GAP:
        return False
    for j in range(last + 1, i):
        c = seen[j]
        if not (c == _SPACE or c == _DOT or c == _MINUS or c == _SLASH or c == _OPEN or c == _CLOSE):
            return False
    return True


@compiled
def _named(seen, i):  # type: ignore[no-untyped-def]
    """Whether the number that begins at i stands behind a word such as "Tel."."""
    i -= 1
    for _ in range(_ROOM):
        c = seen[i]
        if not (c == _SPACE or c == _DOT or c == _COLON or c == _OPEN):
            break
        i -= 1
    a, b, c = seen[i - 2], seen[i - 1], seen[i]
    if c == _PHONE or (b == _N and (c == _O or c == _R)):  # no, nr
        return True
    for end in _ENDS:
        if a == end[0] and b == end[1] and c == end[2]:
            return True
    return False


@compiled
def _numbered(seen, i):  # type: ignore[no-untyped-def]
    """Whether eleven letters and digits follow behind i, as in the shortest IBAN behind its check digits."""
    left = 11
    for j in range(i + 1, i + 1 + 2 * left):
        c = seen[j]
        if c == _ZERO or _is_letter(c):
            left -= 1
            if left == 0:
                return True
        elif c != _SPACE and c != _MINUS:
            return False
    return False


@compiled
def _ends_in_hexadecimal(seen, i):  # type: ignore[no-untyped-def]
    """Whether there is a colon before i, and up to four hexadecimal digits between."""
    for _ in range(5):
        i -= 1
        c = seen[i]
        if c == _COLON:
            return True
        if c != _ZERO and not _A <= c <= _F:
            return False
    return False


@compiled
def _signs(seen, first, end):  # type: ignore[no-untyped-def]
    """The signs of the text seen[first:end]; around it are `_ROOM` zeros and more."""
    signs = 0
    at_word = False  # " at " was there
    last = -_ROOM  # the digit before
    run = group = before = before_that = 0  # digits of a number, lengths of its last groups of digits
    start, plus = 0, False  # where it begins; whether behind a +
    dots = 0  # of what may be an IPv4 address
    for i in range(first, end):
        c = seen[i]
        if _is_letter(c) or c == _OTHER:
            continue
        if c == _SPACE:
            if seen[i - 1] == _T:
                if seen[i - 2] == _A:
                    at_word |= seen[i - 3] == _SPACE
                elif at_word and ((seen[i - 2] == _O and seen[i - 3] == _D) or (seen[i - 2] == _K and seen[i - 3] == _N)):  # dot, punkt
                    signs |= EMAIL
        elif c == _ZERO:
            if last != i - 1:
                linked = (seen[i - 1] == _DOT and last == i - 2) or _closes(seen[i - 1]) or (seen[i - 1] == _SPACE and _closes(seen[i - 2]))
                dots = dots + 1 if linked else 0
                if dots == 3:
                    signs |= V4
                if run and _joined(seen, last, i):
                    before_that, before, group = before, group, 0
                else:
                    run = group = before = before_that = 0
                    start = i
                    plus = seen[i - 1] == _PLUS
            elif group == 1 and _is_letter(seen[i - 2]) and _is_letter(seen[i - 3]) and _numbered(seen, i):
                signs |= IBAN
            last = i
            run += 1
            group += 1
            if run == 7 and _named(seen, start):
                signs |= NAMED
            if run >= 8 and plus:
                signs |= INTERNATIONAL
            if group == 4 and before == 3 and before_that == 3:
                signs |= AMERICAN
            if run >= 13:
                signs |= CARD
        elif c == _AT:
            signs |= EMAIL
        elif c == _COLON:
            if _ends_in_hexadecimal(seen, i):
                signs |= V6
        elif _opens(c):
            if _bracketed(seen, i, at_word):
                signs |= EMAIL
        elif c == _FOREIGN:
            return ALL
        elif c == _PERCENT:  # %40
            if seen[i + 1] == _ZERO:
                return ALL
        elif c == _AND and (seen[i + 1] == _HASH or _is_letter(seen[i + 1])):  # &#64; &commat; ...
            return ALL
    return signs


@compiled
def _all_signs(codes, starts, table, out):  # type: ignore[no-untyped-def]
    seen = np.zeros(len(codes) + (len(out) + 4) * _ROOM, np.uint8)
    end = 0
    for t in range(len(out)):
        end += _ROOM
        first = end
        for i in range(starts[t], starts[t + 1]):
            c = table[codes[i]]
            seen[end] = c
            end += c != _SKIP
        out[t] = _signs(seen, first, end)


def of(texts: Sequence[str]) -> list[int]:
    """The signs of each text; `ALL` where it has escapes, which may stand for anything, or digits of a script that only some patterns know."""
    out = np.empty(len(texts), np.int64)
    _all_signs(characters.codes("".join(texts)), np.array([0, *accumulate(map(len, texts))]), _table(), out)
    return out.tolist()
