"""The words of a URL: what lies between its separators, so that a ban on 'sex' leaves 'essex' and 'unisex' alone."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

# 'SiteLogo' and 'logo2' have a boundary inside; runs of hexadecimal digits stay together
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[^\W\d_]+")


def url_words(url: str) -> list[str]:
    """Lower-case words of a URL, percent-encoding undone, cut at every non-letter and where camel case changes."""
    text = unquote(url, errors="replace") if "%" in url else url
    return _WORD.findall(_CAMEL.sub(" ", text[:4096]).lower())


@lru_cache(maxsize=64)
def _forms(words: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    low = tuple({w.lower(): None for w in words})
    return low, frozenset((*low, *(w + "s" for w in low)))


def banned(url: str, words: tuple[str, ...]) -> int:
    """How many words of the URL are one of `words` or its plural in -s."""
    low, forms = _forms(words)
    text = (unquote(url, errors="replace") if "%" in url else url).lower()
    for word in low:
        if word in text:
            return len(forms.intersection(url_words(url)))
    return 0  # nearly always: cutting the URL takes ten times as long
