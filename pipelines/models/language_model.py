"""fastText's lid.176 asked in one compiled loop: the answers of the library, at several times its speed.

The library spends its time on a string per character n-gram and on hash maps; here an n-gram is a hash that grows by a character,
and nine in ten are found to be unknown by one bit. All tables together are smaller than a core's cache. Every float is computed in the
library's order and precision, so that scores agree to the last bit (tests/pipelines/test_language.py compares them). What is read is the
quantised file: a row of numbers for each frequent word and n-gram, a tree whose leaves are the labels, and a row for each inner node.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from filters.compiled import compiled

_MAGIC_AND_VERSION: Final = (793712314, 12)
_SHAPE: Final = {"dim": 16, "wordNgrams": 1, "loss": 1, "model": 3, "bucket": 2_000_000, "minn": 2, "maxn": 4}  # what the loop can do
_NAMES: Final = ("dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn", "lrUpdateRate")
_BUCKETS: Final = np.uint32(_SHAPE["bucket"])
_ROW: Final = 8  # pairs of numbers in a row, each one of 256
_LONGEST: Final = _SHAPE["maxn"]  # characters of an n-gram; the shortest has two
_BASIS, _PRIME = np.uint32(2166136261), np.uint32(16777619)  # FNV-1a
_LABEL: Final = np.frombuffer(b"__label__", np.uint8)  # a word that begins so is none
_LEAST: Final = np.float32(math.log(1e-5))  # a branch as unlikely as this is not followed


class ModelFileError(ValueError):
    """A file that is not the model this module was written for."""


class Model(NamedTuple):
    """The arrays that `ask` looks into, and the labels."""

    labels: tuple[str, ...]
    words: np.ndarray  # int32[2^15]: number of a word, by its hash and on; -1 = none
    letters: np.ndarray  # uint8: the bytes of all words
    starts: np.ndarray  # int64: where in them each word begins, and their end
    grams: np.ndarray  # uint32: a bit for each bucket that an n-gram with a row falls into
    before: np.ndarray  # uint16: how many bits are set before each of these numbers
    rows: np.ndarray  # uint8[rows, 9]: pairs and length of the words, then of the n-grams in the order of their buckets
    pairs: np.ndarray  # float32[8, 256, 2]: what the numbers in a row stand for
    lengths: np.ndarray  # float32[256]: by which they are multiplied
    nodes: np.ndarray  # float32[labels, 16]: of the inner nodes
    children: np.ndarray  # int32[nodes, 2]: left and right; -1 in leaves, which come first


class _File:
    """Little-endian values of a file, in order."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple:
        size = struct.calcsize(form := f"<{form}")
        self.at += size
        return struct.unpack_from(form, self.data, self.at - size)

    def array(self, kind: type, n: int) -> np.ndarray:
        out = np.frombuffer(self.data, kind, n, self.at)
        self.at += out.nbytes
        return out

    def word(self) -> bytes:
        end = self.data.index(b"\0", self.at)
        start, self.at = self.at, end + 1
        return self.data[start:end]


def load(path: Path) -> Model:
    """The model in fastText's own format (FastText::saveModel, quantised)."""
    file = _File(path.read_bytes())
    magic, version, *numbers = file.take("2i12i")
    shape: dict[str, int] = dict(zip(_NAMES, numbers, strict=True))
    if (magic, version) != _MAGIC_AND_VERSION or any(shape[k] != v for k, v in _SHAPE.items()):
        raise ModelFileError(f"{path} is not lid.176.ftz: {shape}")
    file.take("d")
    size, n_words, _, _, n_grams = file.take("3i2q")
    entries = [(file.word(), *file.take("qb")) for _ in range(size)]  # words, then labels: (name, how often it was seen, kind)
    kept = file.array(np.int32, 2 * n_grams).reshape(-1, 2)  # bucket of an n-gram, its row among those of n-grams
    kept = kept[kept[:, 0].argsort()]
    rows, pairs, lengths = _rows(file)
    quantised, n, dim = file.take("?2q")
    if quantised or n_words + n_grams != len(rows) or entries[0][0] != b"</s>":
        raise ModelFileError(f"{path} is not lid.176.ftz: {len(rows)} rows, {n_words} words, {n_grams} n-grams")
    nodes = file.array(np.float32, n * dim).reshape(n, dim)
    words, labels = [w for w, *_ in entries[:n_words]], entries[n_words:]
    letters = np.frombuffer(b"".join(words), np.uint8)
    starts = np.cumsum([0, *map(len, words)])
    table = np.full(1 << 15, -1, np.int32)
    _enter(table, letters, starts)
    grams = np.zeros(_SHAPE["bucket"] // 32, np.uint32)
    np.bitwise_or.at(grams, kept[:, 0] >> 5, np.uint32(1) << (kept[:, 0] & 31).astype(np.uint32))
    before = kept[:, 0].searchsorted(np.arange(len(grams)) * 32).astype(np.uint16)
    rows = np.concatenate([rows[:n_words], rows[n_words + kept[:, 1]]])
    tree = _tree([count for _, count, _ in labels])
    return Model(tuple(name.decode() for name, *_ in labels), table, letters, starts, grams, before, rows, pairs, lengths, nodes, tree)


def _rows(file: _File) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The input matrix, which is product-quantised: rows, pairs and lengths of `Model`."""
    file.take("??")  # quantised, lengths apart: both are so
    n, _, n_codes = file.take("2qi")
    codes = file.array(np.uint8, n_codes).reshape(n, -1)
    file.take("4i")
    pairs = file.array(np.float32, _ROW * 256 * 2).reshape(_ROW, 256, 2)
    length = file.array(np.uint8, n)
    file.take("4i")
    return np.column_stack([codes, length]), pairs, file.array(np.float32, 256)


def _tree(counts: list[int]) -> np.ndarray:
    """Huffman's tree over the labels, built as the library builds it (HierarchicalSoftmaxLoss::buildTree)."""
    n = len(counts)
    weights = [*counts, *[10**15] * (n - 1)]
    children = np.full((2 * n - 1, 2), -1, np.int32)
    leaf, node = n - 1, n
    for new in range(n, 2 * n - 1):
        for side in range(2):
            if leaf >= 0 and weights[leaf] < weights[node]:
                children[new, side], leaf = leaf, leaf - 1
            else:
                children[new, side], node = node, node + 1
        weights[new] = weights[children[new, 0]] + weights[children[new, 1]]
    return children


@compiled
def _grown(h, byte):  # type: ignore[no-untyped-def]
    """FNV-1a over one byte more; the library's bytes have a sign."""
    return np.uint32((h ^ np.uint32(np.int8(byte))) * _PRIME)


@compiled
def _enter(table, letters, starts):  # type: ignore[no-untyped-def]
    """Put each word where its hash says, or behind."""
    for number in range(len(starts) - 1):
        h = _BASIS
        for i in range(starts[number], starts[number + 1]):
            h = _grown(h, letters[i])
        at = h & np.uint32(len(table) - 1)
        while table[at] >= 0:
            at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
        table[at] = number


@compiled
def _number(text, a, b, table, letters, starts):  # type: ignore[no-untyped-def]
    """Number of the word text[a:b]; -1 if it is unknown."""
    h = _BASIS
    for i in range(a, b):
        h = _grown(h, text[i])
    at = h & np.uint32(len(table) - 1)
    while table[at] >= 0:
        number = table[at]
        first = starts[number]
        if starts[number + 1] - first == b - a:
            i = 0
            while i < b - a and letters[first + i] == text[a + i]:
                i += 1
            if i == b - a:
                return number
        at = (at + np.uint32(1)) & np.uint32(len(table) - 1)
    return np.int32(-1)


@compiled
def _is_label(text, a, b):  # type: ignore[no-untyped-def]
    if b - a < len(_LABEL):
        return False
    for i in range(len(_LABEL)):
        if text[a + i] != _LABEL[i]:
            return False
    return True


@compiled
def _ones(x):  # type: ignore[no-untyped-def]
    """How many bits of a uint32 are set."""
    x = np.uint32(x - ((x >> np.uint32(1)) & np.uint32(0x55555555)))
    x = np.uint32((x & np.uint32(0x33333333)) + ((x >> np.uint32(2)) & np.uint32(0x33333333)))
    return np.uint32((np.uint32(x + (x >> np.uint32(4))) & np.uint32(0x0F0F0F0F)) * np.uint32(0x01010101)) >> np.uint32(24)


@compiled
def _add(row, rows, pairs, lengths, out):  # type: ignore[no-untyped-def]
    length = lengths[rows[row, _ROW]]
    for k in range(_ROW):
        pair = rows[row, k]
        out[2 * k] += length * pairs[k, pair, 0]
        out[2 * k + 1] += length * pairs[k, pair, 1]


@compiled
def _hidden(text, words, letters, starts, grams, before, rows, pairs, lengths, out):  # type: ignore[no-untyped-def]
    """The mean of the rows of the words of text and of their n-grams, and of the end of the line. The first and the last byte
    of text are room, every blank is overwritten: a word stands between < and >."""
    n_words = len(starts) - 1
    # what is found, in order: numbers of words, and n_words + bucket of n-grams. It is added up afterwards, so that no look into a table
    # has to wait for the one before: between two pages these tables leave the cache
    items = np.empty(_LONGEST * len(text), np.int32)
    n = 0
    b = 0
    end = len(text) - 1
    while True:
        a = b + 1
        while a < end and (text[a] == 32 or text[a] == 0 or 9 <= text[a] <= 13):
            a += 1
        if a >= end:
            break
        b = a
        while b < end and not (text[b] == 32 or text[b] == 0 or 9 <= text[b] <= 13):
            b += 1
        if _is_label(text, a, b):
            continue
        number = _number(text, a, b, words, letters, starts)
        if number == 0:  # the mark of the end of a line, written out
            break
        items[n] = number
        n += number > 0
        text[a - 1], text[b] = 60, 62
        for i in range(a - 1, b + 1):
            if text[i] & 0xC0 == 0x80:
                continue
            h = _grown(_BASIS, text[i])
            j = i + 1
            for characters in range(1, _LONGEST + 1):
                while j <= b and text[j] & 0xC0 == 0x80:
                    h = _grown(h, text[j])
                    j += 1
                if characters > 1:
                    bucket = np.uint32(h % _BUCKETS)
                    items[n] = n_words + np.int64(bucket)
                    n += np.int64((grams[bucket >> np.uint32(5)] >> (bucket & np.uint32(31))) & np.uint32(1))
                if j > b:
                    break
                h = _grown(h, text[j])
                j += 1
    for k in range(n):
        if items[k] >= n_words:
            bucket = np.uint32(items[k] - n_words)
            place, bit = bucket >> np.uint32(5), np.uint32(1) << (bucket & np.uint32(31))
            lower = _ones(np.uint32(grams[place] & np.uint32(bit - np.uint32(1))))
            items[k] = n_words + np.int64(before[place]) + np.int64(lower)
    out[:] = 0
    for k in range(n):
        _add(items[k], rows, pairs, lengths, out)
    _add(0, rows, pairs, lengths, out)
    out *= np.float32(1.0 / (n + 1))


@compiled
def _logarithm(x):  # type: ignore[no-untyped-def]
    return np.float32(math.log(np.float64(np.float32(x)) + 1e-5))


@compiled
def _best(hidden, nodes, children):  # type: ignore[no-untyped-def]
    """(leaf, logarithm of its probability) of the most likely leaf."""
    n = len(nodes)
    stack = np.empty(len(children), np.int32)
    scores = np.empty(len(children), np.float32)
    stack[0], scores[0], depth = len(children) - 1, 0, 1
    best, leaf = np.float32(-np.inf), -1
    while depth:
        depth -= 1
        node, score = stack[depth], scores[depth]
        if score < _LEAST or score < best:
            continue
        if node < n:
            best, leaf = score, node
            continue
        f = np.float32(0)
        for d in range(len(hidden)):
            f += hidden[d] * nodes[node - n, d]
        f = np.float32(1.0 / np.float64(np.float32(1) + np.float32(math.exp(-f))))
        stack[depth], scores[depth] = children[node, 1], score + _logarithm(f)
        stack[depth + 1], scores[depth + 1] = children[node, 0], score + _logarithm(1.0 - np.float64(f))
        depth += 2
    return leaf, best


@compiled
def _ask(text, words, letters, starts, grams, before, rows, pairs, lengths, nodes, children):  # type: ignore[no-untyped-def]
    hidden = np.empty(2 * _ROW, np.float32)
    _hidden(text, words, letters, starts, grams, before, rows, pairs, lengths, hidden)
    leaf, score = _best(hidden, nodes, children)
    return leaf, np.float32(math.exp(score))


def ask(model: Model, line: str) -> tuple[str, float]:
    """(label, probability) of the most likely label of a line without line ends and lone surrogates; ("", 0.0) if none has any."""
    text = np.frombuffer(bytearray(b" %b " % line.encode()), np.uint8)
    leaf, score = _ask(text, *model[1:])
    return (model.labels[leaf], float(score)) if leaf >= 0 else ("", 0.0)
