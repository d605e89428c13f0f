"""Words of a text, in any script.

Scripts that put no space between words (Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar, Tibetan) are cut into
characters with their combining marks: no dictionary, so the same cut everywhere and for ever. One such unit counts as one
word; a Chinese or Japanese word has about 1.5 to 2 of them, a Thai word about 4, so per-language limits on word counts
should be scaled. Every other script: what lies between white space, without the non-letters at its ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

SPACELESS = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e50-\u0e59"  # Thai letters, leading vowels, digits
    "\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0ed0-\u0edf"  # Lao
    "\u0f00\u0f20-\u0f33\u0f40-\u0f6c\u0f88-\u0f8c"  # Tibetan
    "\u1000-\u102a\u103f-\u1049\u1050-\u1055\ua9e0-\ua9fe\uaa60-\uaa7a"  # Myanmar
    "\u1780-\u17b3\u17e0-\u17e9"  # Khmer
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u31f0-\u31ff\uff66-\uff9d"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"  # Han
)
MARK = (
    "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u0f71-\u0f84\u0f8d-\u0fbc"
    "\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u3099\u309a\uff9e\uff9f\ufe00-\ufe0f\U000e0100-\U000e01ef"
)
_UNIT = re.compile(f"[{SPACELESS}][{MARK}]*")
_RUN = re.compile(f"[{SPACELESS}][{SPACELESS}{MARK}]*")
_HAS_MARK = re.compile(f"[{MARK}]")


def ranges(characters: str) -> list[tuple[int, int]]:
    """(first, last) of each range of a regular expression's character class, both included."""
    out, i = [], 0
    while i < len(characters):
        last = i + 2 if characters[i + 1 : i + 2] == "-" else i
        out.append((ord(characters[i]), ord(characters[last])))
        i = last + 1
    return out


def _apart(run: re.Match[str]) -> str:
    found = run[0]
    return " " + " ".join(_UNIT.findall(found) if _HAS_MARK.search(found) else found) + " "


def space_out(text: str) -> str:
    """`text` with a space on both sides of every unit of a spaceless script; unchanged if there is none."""
    if text.isascii():
        return text
    return _RUN.sub(_apart, text)


# What is stripped from the ends of a word: everything that is neither letter, mark nor digit. `\W` keeps marks out for
# some scripts, hence the explicit look at the category in `strip`.
_ASCII_EDGE = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_EDGE = (
    _ASCII_EDGE
    + "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad"
    + "‘’‚‛“”„‟«»‹›…–—―‐‑·•‣●○■□▪▶►★☆©®™§¶†‡°¿¡、。，．・：；？！（）「」『』【】《》〈〉〔〕～｜।॥؟،؛۔"
)


def strip(token: str) -> str:
    """A token without punctuation and symbols at its ends ('' if nothing is left)."""
    token = token.strip(_EDGE)
    if token and not (token[0].isalnum() and token[-1].isalnum()):
        return _strip_slow(token)
    return token


def _strip_slow(token: str) -> str:
    import unicodedata

    start, end = 0, len(token)
    while start < end and unicodedata.category(token[start])[0] not in "LN":  # a mark cannot begin a word
        start += 1
    while end > start and unicodedata.category(token[end - 1])[0] not in "LMN":
        end -= 1
    return token[start:end]


def distinct(texts: Iterable[str]) -> set[str]:
    """The words of many texts, each once: for whole dictionaries several times quicker than `words` of each."""
    text = "\n".join(texts).lower()
    return {w for w in map(strip, {*_UNIT.findall(text), *_RUN.sub(" ", text).split()}) if w}


def words(text: str) -> list[str]:
    """Lower-case words of a text."""
    return [w for w in map(strip, space_out(text.lower()).split()) if w]
