"""Repetition among n-grams of several texts at once: hash every window, count in a table, in compiled loops."""

from __future__ import annotations

import numpy as np

from filters.compiled import compiled

_SPARSE = 16  # bits for each window in the first pass, so that few are taken for seen that are not ...
_NARROWEST, _WIDEST = 9, 20  # ... but no more than 2 to this power


@compiled
def mixed(h):  # type: ignore[no-untyped-def]
    """SplitMix64's finaliser."""
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


@compiled
def _find(keys, key, mask):  # type: ignore[no-untyped-def]
    """Where `key` stands in an open table, or the empty place where it would."""
    at = key >> np.uint64(1) & mask
    while keys[at] and keys[at] != key:
        at = (at + np.uint64(1)) & mask
    return at


@compiled
def _again(values, n, hashes, seen, keys, counts, where, kind):  # type: ignore[no-untyped-def]
    """The windows of `n` values that occur more than once, and a few others: window where[j] is of the kind kind[j], which occurs
    counts[kind[j]] times, for j below the first number returned; the second one is how many kinds of windows there are in all.

    Most windows of a text occur once. So a first pass notes in two rows of bits, by hash, which were met and which were met again; this misses
    no second occurrence, and only windows whose bit was met again are counted in a table. The bits of both rows stand side by side in `seen`."""
    m = len(values) - n + 1
    base = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying loses nothing; a rolling polynomial: the length of a window costs nothing
    power = np.uint64(1)
    for _ in range(n):
        power *= base
    spread, width = np.uint64(0xD6E8FEB86659FD93), _NARROWEST
    while width < _WIDEST and 1 << width < _SPARSE * m:
        width += 1
    shift = np.uint64(64 - width)
    six, low, one = np.uint64(6), np.uint64(63), np.uint64(1)
    seen[: 1 << width - 6] = 0
    h = left = np.uint64(0)
    for i in range(n - 1):
        h = h * base + np.uint64(values[i])
    for i in range(m):
        h = h * base + (np.uint64(values[i + n - 1]) - left)
        left = np.uint64(values[i]) * power
        hashes[i] = h
        place = (h * spread) >> shift
        at, bit = place >> six, one << (place & low)
        seen[at, 1] |= seen[at, 0] & bit
        seen[at, 0] |= bit
    found = 0
    for i in range(m):
        place = (hashes[i] * spread) >> shift
        where[found] = i
        found += np.int64((seen[place >> six, 1] >> (place & low)) & one)
    if not found:
        return 0, m
    room = _room(found)
    mask = np.uint64(room - 1)
    keys[:room] = 0
    kinds = m
    for j in range(found):
        key = mixed(hashes[where[j]]) | one
        at = _find(keys, key, mask)
        if keys[at]:
            counts[at] += 1
            kinds -= 1
        else:
            keys[at], counts[at] = key, 1
        kind[j] = at
    return found, kinds


@compiled
def _room(n):  # type: ignore[no-untyped-def]
    size = 8
    while size < 2 * n:
        size *= 2
    return size


@compiled
def _workplace(longest):  # type: ignore[no-untyped-def]
    """The arrays that `_again` writes to, for texts of up to `longest` values."""
    room = _room(longest)
    seen = np.empty((min(1 << _WIDEST, max(1 << _NARROWEST, 2 * _SPARSE * longest)) // 64, 2), np.uint64)
    keys, counts = np.empty(room, np.uint64), np.empty(room, np.int32)
    hashes = np.empty(longest, np.uint64)
    return hashes, seen, keys, counts, np.empty(longest, np.int32), np.empty(longest, np.int32)


@compiled
def _longest(starts):  # type: ignore[no-untyped-def]
    longest = 0
    for g in range(len(starts) - 1):
        longest = max(longest, starts[g + 1] - starts[g])
    return longest


@compiled
def _repeated(values, starts, n, out):  # type: ignore[no-untyped-def]
    hashes, seen, keys, counts, where, kind = _workplace(_longest(starts))
    for g in range(len(starts) - 1):
        own = values[starts[g] : starts[g + 1]]
        out[g] = 0.0
        if len(own) <= n:
            continue
        found, _ = _again(own, n, hashes, seen, keys, counts, where, kind)
        again = 0
        for j in range(found):
            again += counts[kind[j]] > 1
        out[g] = again / (len(own) - n + 1)


@compiled
def _top(values, starts, n, out):  # type: ignore[no-untyped-def]
    hashes, seen, keys, counts, where, kind = _workplace(_longest(starts))
    for g in range(len(starts) - 1):
        own = values[starts[g] : starts[g + 1]]
        out[g] = 0.0
        if len(own) <= n:
            continue
        found, kinds = _again(own, n, hashes, seen, keys, counts, where, kind)
        again = 0
        for j in range(found):
            c = counts[kind[j]]
            if c > 1:  # each kind once: what is counted is taken away
                where[again] = c
                again += 1
                counts[kind[j]] = 0
        if again:
            taken = np.sort(where[:again])
            mass = 0
            for k in range(min(again, int(np.sqrt(kinds)))):
                mass += taken[again - 1 - k]
            out[g] = mass / (len(own) - n + 1)


@compiled
def _gopher(ids, lengths, n, out):  # type: ignore[no-untyped-def]
    """(characters in the first of the most frequent windows times its count, characters in windows that occur more than once)."""
    out[0] = out[1] = 0.0
    if len(ids) <= n:
        return
    hashes, seen, keys, counts, where, kind = _workplace(len(ids))
    found, _ = _again(ids, n, hashes, seen, keys, counts, where, kind)
    most, at, covered, until = 1, 0, 0, 0
    for j in range(found):
        i, c = where[j], counts[kind[j]]
        if c > most:
            most, at = c, i
        if c > 1:
            for k in range(max(i, until), i + n):
                covered += lengths[k]
            until = i + n
    if most == 1:
        return
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
