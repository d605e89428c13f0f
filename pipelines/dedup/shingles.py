"""Texts to word n-grams, as 64-bit hashes, straight from UTF-8 bytes.

What a token is (and so what "the same text" means), one code point at a time:
- letters and numbers make words; each is lower-cased and reduced to the first code point of its compatibility decomposition
  (NFKD), so case, accents and width do not count;
- marks and format characters are skipped without ending a word (composed and decomposed spellings agree);
- Han, kana, Thai, Lao, Khmer and Burmese write no spaces between words: each of their characters is a token;
- everything else separates.

A shingle is `n` tokens in a row (5 words: FineWeb and RefinedWeb, arXiv 2406.17557 appendix E.1 and 2306.01116 section G.3.1). A text
shorter than `n` tokens has one shingle, all of it; a text without tokens has none. The kernel works on Arrow's own buffers, so
no Python string is made; `plain_shingles` is the same definition in plain Python and the oracle for it.
"""

from __future__ import annotations

import bisect
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

SEPARATOR, SKIP = 0, 1  # in the table; any other value is (folded code point << 1) + (1 if it is a token of its own)
_TABLE_SIZE = 0x20000
_HAN_END = 0x323B0  # Han extensions B to H end here
_SELECTORS = 0xE0000
_SPACELESS = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
              (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF))  # fmt: skip
_MASK = (1 << 64) - 1
_WORD, _GRAM, _PRIME = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x100000001B3


@dataclass(frozen=True)
class Texts:
    """Documents as pieces of one buffer: piece i is `data[starts[i]:ends[i]]`, document d has pieces `first[d]` to `first[d + 1]`."""

    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, documents: list[str] | list[list[str]]) -> Texts:
        """From strings (tests, small inputs). A lone surrogate becomes `?`."""
        pieces = [[d] if isinstance(d, str) else d for d in documents]
        raw = [p.encode("utf-8", "replace") for d in pieces for p in d]
        ends = np.cumsum([len(r) for r in raw], dtype=np.int64) if raw else np.zeros(0, np.int64)
        first = np.cumsum([0, *(len(d) for d in pieces)], dtype=np.int64)
        return cls(np.frombuffer(b"".join(raw), np.uint8), np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(raw)], ends, first)

    def __len__(self) -> int:
        return len(self.first) - 1


@cache
def table() -> NDArray[np.uint32]:
    """Code point -> what it is, for code points below 0x20000."""
    return np.fromiter(map(_entry.__wrapped__, range(_TABLE_SIZE)), np.uint32, _TABLE_SIZE)


def _spaceless(cp: int) -> bool:
    at = bisect.bisect_right(_SPACELESS, (cp, _TABLE_SIZE))
    return at > 0 and cp <= _SPACELESS[at - 1][1]


@lru_cache(maxsize=4096)
def _entry(cp: int) -> int:
    char = chr(cp)
    category = unicodedata.category(char)
    if category[0] == "M" or category == "Cf":
        return SKIP
    if category[0] not in "LN":
        return SEPARATOR
    if category != "Lo" or unicodedata.decomposition(char) or "\uac00" <= char <= "\ud7a3":  # most letters without case are their own base
        folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).lower())
        char = next((c for c in folded if unicodedata.category(c)[0] in "LN"), char)
    return ord(char) << 1 | _spaceless(cp)


def shingles(texts: Texts, n: int = 5) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """(hashes, offsets): document d has `hashes[offsets[d]:offsets[d + 1]]`, in text order, repeats included."""
    if n < 1:
        raise ValueError(f"a shingle has at least one word, not {n}")
    room = int((texts.ends - texts.starts).sum()) + len(texts.starts) + len(texts)
    words = np.empty(room // 2 + len(texts.starts) + 1, np.uint64)
    out = np.empty(len(words) + len(texts), np.uint64)
    offsets = np.zeros(len(texts) + 1, np.int64)
    used = _shingle(texts.data, texts.starts, texts.ends, texts.first, n, table(), words, out, offsets)
    return out[:used], offsets


@numba.njit(cache=True, nogil=True, inline="always")
def _mix(h):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@numba.njit(cache=True, nogil=True)
def _shingle(data, starts, ends, first, n, table, words, out, offsets):  # type: ignore[no-untyped-def]
    used = 0
    prime, word_seed, gram_seed = np.uint64(_PRIME), np.uint64(_WORD), np.uint64(_GRAM)
    for d in range(len(first) - 1):
        count = 0
        for piece in range(first[d], first[d + 1]):
            i, end = starts[piece], ends[piece]
            h = word_seed
            inside = False
            while i < end:
                b = np.uint32(data[i])
                if b < 0x80:
                    cp = b
                    i += 1
                elif b < 0xE0 and i + 1 < end:
                    cp = ((b & np.uint32(0x1F)) << np.uint32(6)) | (np.uint32(data[i + 1]) & np.uint32(0x3F))
                    i += 2
                elif b < 0xF0 and i + 2 < end:
                    cp = (
                        ((b & np.uint32(0x0F)) << np.uint32(12))
                        | ((np.uint32(data[i + 1]) & np.uint32(0x3F)) << np.uint32(6))
                        | (np.uint32(data[i + 2]) & np.uint32(0x3F))
                    )
                    i += 3
                elif i + 3 < end:
                    cp = (
                        ((b & np.uint32(0x07)) << np.uint32(18))
                        | ((np.uint32(data[i + 1]) & np.uint32(0x3F)) << np.uint32(12))
                        | ((np.uint32(data[i + 2]) & np.uint32(0x3F)) << np.uint32(6))
                        | (np.uint32(data[i + 3]) & np.uint32(0x3F))
                    )
                    i += 4
                else:  # cut off inside a character
                    cp = np.uint32(0)
                    i = end
                if cp < _TABLE_SIZE:
                    v = table[cp]
                elif cp < _HAN_END:
                    v = np.uint32(cp << np.uint32(1)) | np.uint32(1)
                elif cp >= _SELECTORS and cp < 0xF0000:
                    v = np.uint32(SKIP)
                else:
                    v = np.uint32(SEPARATOR)
                if v > 1 and not v & np.uint32(1):
                    h = (h ^ np.uint64(v >> np.uint32(1))) * prime
                    inside = True
                elif v != 1:
                    if inside:
                        words[count] = _mix(h)
                        count += 1
                        h = word_seed
                        inside = False
                    if v > 1:
                        words[count] = _mix((word_seed ^ np.uint64(v >> np.uint32(1))) * prime)
                        count += 1
            if inside:
                words[count] = _mix(h)
                count += 1
        if count:
            size = min(n, count)
            for k in range(count - size + 1):
                h = gram_seed
                for j in range(size):
                    h = (h ^ words[k + j]) * prime
                    h ^= h >> np.uint64(32)
                out[used] = _mix(h)
                used += 1
        offsets[d + 1] = used
    return used


def plain_tokens(text: str) -> list[str]:
    """The tokens of one text, readable: what the kernel hashes."""
    out: list[str] = []
    word = ""
    for char in text:
        cp = ord(char)
        v = _entry(cp) if cp < _TABLE_SIZE else (cp << 1 | 1 if cp < _HAN_END else SKIP if _SELECTORS <= cp < 0xF0000 else SEPARATOR)
        if v == SKIP:
            continue
        if v > 1 and not v & 1:
            word += chr(v >> 1)
            continue
        if word:
            out.append(word)
            word = ""
        if v & 1:
            out.append(chr(v >> 1))
    return [*out, word] if word else out


def plain_shingles(pieces: list[str], n: int = 5) -> set[tuple[str, ...]]:
    """The set of n-grams of one document, as words: the oracle for true Jaccard."""
    tokens = [t for p in pieces for t in plain_tokens(p)]
    size = min(n, len(tokens))
    return {tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)} if tokens else set()


def plain_hash(gram: tuple[str, ...]) -> int:
    """The 64-bit hash of one shingle, as the kernel makes it."""
    h = _GRAM
    for word in gram:
        w = _WORD
        for char in word:
            w = (w ^ ord(char)) * _PRIME & _MASK
        h = (h ^ _plain_mix(w)) * _PRIME & _MASK
        h ^= h >> 32
    return _plain_mix(h)


def _plain_mix(h: int) -> int:
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    h = (h ^ h >> 27) * 0x94D049BB133111EB & _MASK
    return h ^ h >> 31
