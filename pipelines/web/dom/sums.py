"""Sums, groups and bits over a page's blocks and containers, compiled."""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import scan, words

_PARENT, _TAG, _START, _END, _NAME_AT, _NAME_END = scan.PARENT, scan.TAG, scan.START, scan.END, scan.NAME_AT, scan.NAME_END
_LONGEST_NAME = 256  # bytes of a class attribute that tell elements apart


@compiled
def signatures(html, boxes):  # type: ignore[no-untyped-def]
    """(hash of each container's tag and class, of its path from the body). Digits in a class are left out: `post-17` is `post-`."""
    m = boxes.shape[1]
    own, path = np.empty(m, np.uint64), np.empty(m, np.uint64)
    for b in range(m):
        h = np.uint64(boxes[_TAG, b]) + np.uint64(1469598103934665603)
        for i in range(boxes[_NAME_AT, b], min(boxes[_NAME_END, b], boxes[_NAME_AT, b] + _LONGEST_NAME)):
            c = html[i]
            if c < 48 or c > 57:
                h = (h ^ np.uint64(c)) * np.uint64(0x100000001B3)
        own[b] = words.mixed(h)
        path[b] = own[b] if b == 0 else words.mixed(own[b] ^ (path[boxes[_PARENT, b]] * np.uint64(0x9E3779B97F4A7C15)))
    return own, path


@compiled
def groups(keys):  # type: ignore[no-untyped-def]
    """(a number for each distinct key, how many there are)."""
    n = len(keys)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, np.int32)
    group = np.empty(n, np.int32)
    distinct = 0
    for i in range(n):
        at = keys[i] & mask
        while table[at] >= 0 and keys[table[at]] != keys[i]:
            at = (at + np.uint64(1)) & mask
        if table[at] < 0:
            table[at] = i
            group[i] = distinct
            distinct += 1
        else:
            group[i] = group[table[at]]
    return group, distinct


@compiled
def shares(word, first, title, summary, told, x):  # type: ignore[no-untyped-def]
    """For each block the share of its words that are in the title, how much of the title they are, the share of them in the page's
    summary, and of its three-word runs in the structured data; -1 where there is nothing to compare with."""
    n = x.shape[1]
    n_title = 0
    for key in title:
        n_title += key != 0
    any_summary = any_told = False
    for key in summary:
        any_summary = any_summary or key != 0
    for key in told:
        any_told = any_told or key != 0
    for b in range(n):
        a, e = first[b], first[b + 1]
        hits = covered = inside = runs = 0
        for i in range(a, e):
            if n_title and words.holds(title, word[i]):
                hits += 1
            if any_summary and words.holds(summary, word[i]):
                inside += 1
        if hits and e - a < 60:
            for i in range(a, e):
                if words.holds(title, word[i]):
                    new = True
                    for j in range(a, i):
                        if word[j] == word[i]:
                            new = False
                    covered += new
        if any_told and e - a >= 3:
            for i in range(a, e - 2):
                h = np.uint64(0)
                for k in range(3):
                    h = (h ^ word[i + k]) * np.uint64(0x9E3779B97F4A7C15)
                runs += words.holds(told, words.mixed(h))
        size = max(1, e - a)
        x[0, b] = hits / size if n_title else -1
        x[1, b] = covered / n_title if n_title else -1
        x[2, b] = inside / size if any_summary and size >= 4 else -1
        x[3, b] = runs / (e - a - 2) if any_told and e - a >= 3 else -1


@compiled
def running(values):  # type: ignore[no-untyped-def]
    out = np.zeros(len(values) + 1, np.float64)
    for i in range(len(values)):
        out[i + 1] = out[i] + values[i]
    return out


@compiled
def ladder(boxes):  # type: ignore[no-untyped-def]
    """For each container the next one above it that holds more blocks (the body is above itself)."""
    m = boxes.shape[1]
    up = np.zeros(m, np.int32)
    for b in range(1, m):
        p = boxes[_PARENT, b]
        same = boxes[_START, p] == boxes[_START, b] and boxes[_END, p] == boxes[_END, b]
        up[b] = up[p] if same else p
    return up


@compiled
def bits(of, k, x):  # type: ignore[no-untyped-def]
    """Bit `k` of each entry."""
    for b in range(len(x)):
        x[b] = (of[b] >> k) & 1


@compiled
def weighed(near, middle, far, k, x):  # type: ignore[no-untyped-def]
    """Bit `k` of three entries: one, a half, a quarter."""
    for b in range(len(x)):
        x[b] = np.float32(0.25) * np.float32(4 * ((near[b] >> k) & 1) + 2 * ((middle[b] >> k) & 1) + ((far[b] >> k) & 1))


@compiled
def picked(values, at, x):  # type: ignore[no-untyped-def]
    """The entries of `values` at `at`, which are none below zero."""
    for b in range(len(x)):
        x[b] = values[np.uint32(at[b])]
