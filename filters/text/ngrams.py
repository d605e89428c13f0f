"""Repetition among n-grams of several texts at once: hash every window, count in a table, in compiled loops."""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled


@compiled
def mixed(h):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@compiled
def _windows(values, n, out):  # type: ignore[no-untyped-def]
    """A 64-bit hash of every window of `n` values, never 0: a rolling polynomial, so the length of a window costs nothing."""
    base = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying loses nothing
    power = np.uint64(1)
    for _ in range(n - 1):
        power *= base
    h = np.uint64(0)
    for i in range(len(values)):
        if i >= n:
            h -= (np.uint64(values[i - n]) + np.uint64(1)) * power
        h = h * base + np.uint64(values[i]) + np.uint64(1)
        if i >= n - 1:
            out[i - n + 1] = mixed(h) | np.uint64(1)
    return max(0, len(values) - n + 1)


@compiled
def _count(hashes, table, counts, slots):  # type: ignore[no-untyped-def]
    """Count equal hashes; slots[i] is where hash i is counted. Returns how many distinct ones there are. `table` is all zeros."""
    mask = np.uint64(len(table) - 1)
    kinds = 0
    for i in range(len(hashes)):
        at = (hashes[i] >> np.uint64(1)) & mask
        while table[at] and table[at] != hashes[i]:
            at = (at + np.uint64(1)) & mask
        if not table[at]:
            table[at] = hashes[i]
            counts[at] = 0
            kinds += 1
        counts[at] += 1
        slots[i] = at
    return kinds


@compiled
def _room(n):  # type: ignore[no-untyped-def]
    size = 8
    while size < 2 * n:
        size *= 2
    return size


@compiled
def _repeated(values, starts, n, out):  # type: ignore[no-untyped-def]
    longest = 0
    for g in range(len(starts) - 1):
        longest = max(longest, starts[g + 1] - starts[g])
    room = _room(longest)
    hashes, slots = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    table, counts = np.zeros(room, np.uint64), np.empty(room, np.int32)
    for g in range(len(starts) - 1):
        m = _windows(values[starts[g] : starts[g + 1]], n, hashes)
        out[g] = 0.0
        if m < 2:
            continue
        part = table[: _room(m)]
        _count(hashes[:m], part, counts, slots)
        again = 0
        for i in range(m):
            again += counts[slots[i]] > 1
            part[slots[i]] = 0
        out[g] = again / m


@compiled
def _top(values, starts, n, out):  # type: ignore[no-untyped-def]
    longest = 0
    for g in range(len(starts) - 1):
        longest = max(longest, starts[g + 1] - starts[g])
    room = _room(longest)
    hashes, slots = np.empty(longest, np.uint64), np.empty(longest, np.int64)
    table, counts = np.zeros(room, np.uint64), np.empty(room, np.int32)
    most = np.empty(longest // 2 + 1, np.int32)
    for g in range(len(starts) - 1):
        m = _windows(values[starts[g] : starts[g + 1]], n, hashes)
        out[g] = 0.0
        if m < 2:
            continue
        part = table[: _room(m)]
        kinds = _count(hashes[:m], part, counts, slots)
        again = 0
        for i in range(m):
            at = slots[i]
            if part[at]:
                part[at] = 0
                if counts[at] > 1:
                    most[again] = counts[at]
                    again += 1
        if again:
            taken = np.sort(most[:again])
            mass = 0
            for k in range(min(again, int(np.sqrt(kinds)))):
                mass += taken[again - 1 - k]
            out[g] = mass / m


@compiled
def _gopher(ids, lengths, n, out):  # type: ignore[no-untyped-def]
    """(characters in the first of the most frequent windows times its count, characters in windows that occur more than once)."""
    hashes = np.empty(len(ids), np.uint64)
    m = _windows(ids, n, hashes)
    out[0] = out[1] = 0.0
    if m < 2:
        return
    room = _room(m)
    table, counts, slots = np.zeros(room, np.uint64), np.empty(room, np.int32), np.empty(m, np.int64)
    if _count(hashes[:m], table, counts, slots) == m:
        return
    most, at, covered, until = 1, 0, 0, 0
    for i in range(m):
        c = counts[slots[i]]
        if c > most:
            most, at = c, i
        if c > 1:
            for k in range(max(i, until), i + n):
                covered += lengths[k]
            until = i + n
    size = 0
    for k in range(at, at + n):
        size += lengths[k]
    out[0], out[1] = size * most, covered


def repeated_share(values: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Per text: windows that occur more than once / all windows (0 without windows). Text g is values[starts[g]:starts[g+1]];
    windows never reach over the end of a text."""
    out = np.empty(len(starts) - 1)
    _repeated(values, starts, n, out)
    return out


def top_share(values: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Per text: windows taken by the most frequent kinds / all windows, where the kinds looked at are the first
    sqrt(number of kinds), but only such as occur more than once (OBELICS and BigScience ROOTS character repetition)."""
    out = np.empty(len(starts) - 1)
    _top(values, starts, n, out)
    return out


def top_and_repeated(ids: np.ndarray, lengths: np.ndarray, n: int) -> tuple[float, float]:
    """For the words of one text: characters in the most frequent window times how often it occurs (the first of equals, as it stands
    in the text; 0 if none occurs twice), and characters in windows that occur more than once, overlaps counted once."""
    out = np.empty(2)
    _gopher(ids, lengths, n, out)
    return float(out[0]), float(out[1])
