"""Repetition among n-grams of several texts at once: hash every window, sort, look at runs. No Python loop."""

from __future__ import annotations

import numpy as np

_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so multiplying loses nothing
_MIX = np.uint64(0xD6E8FEB86659FD93)


def window_hashes(values: np.ndarray, n: int) -> np.ndarray:
    """A 64-bit hash of every window of `n` values, by doubling: O(len * log n)."""
    size = len(values) - n + 1
    if size <= 0:
        return np.empty(0, np.uint64)
    block = (values.astype(np.uint64) + np.uint64(1)) * _MIX  # hashes of windows of `width` values
    width, have, result = 1, 0, None
    with np.errstate(over="ignore"):
        block ^= block >> np.uint64(29)
        rest, power = n, _BASE
        while True:
            if rest & 1:
                if result is None:
                    result = block
                else:  # windows of `have` values, then one of `width`
                    keep = len(block) - have
                    result = result[:keep] * power + block[have:]
                have += width
            rest >>= 1
            if not rest:
                break
            block = block[: len(block) - width] * power + block[width:]
            width, power = width * 2, power * power
        result = result[:size]
        result = (result ^ (result >> np.uint64(32))) * _MIX
    return result


def runs(values: np.ndarray, starts: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(group of each distinct window, how often it occurs in it, windows per group). Text g is values[starts[g]:starts[g+1]];
    windows never reach over the end of a text."""
    groups = len(starts) - 1
    sizes = np.diff(starts)
    windows = np.maximum(sizes - n + 1, 0)
    total = int(windows.sum())
    if not total:
        return np.empty(0, np.int64), np.empty(0, np.int64), windows
    hashes = window_hashes(values, n)
    if groups > 1:
        bits = np.uint64(max(1, groups.bit_length()))
        owner = np.repeat(np.arange(groups, dtype=np.uint64), windows)
        offsets = np.cumsum(windows) - windows
        at = np.arange(total) + np.repeat(starts[:-1] - offsets, windows)
        keys = (hashes[at] >> bits) | (owner << (np.uint64(64) - bits))
    else:
        keys, bits = hashes, np.uint64(0)
    keys = np.sort(keys)
    first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1])))
    counts = np.diff(np.append(first, total))
    group = (keys[first] >> (np.uint64(64) - bits)).astype(np.int64) if groups > 1 else np.zeros(len(first), np.int64)
    return group, counts, windows


def repeated_share(values: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Per text: windows that occur more than once / all windows (0 without windows)."""
    group, counts, windows = runs(values, starts, n)
    again = counts > 1
    mass = np.bincount(group[again], counts[again], len(windows))
    return mass / np.maximum(windows, 1)


def top_share(values: np.ndarray, starts: np.ndarray, n: int) -> np.ndarray:
    """Per text: windows taken by the most frequent kinds / all windows, where the kinds looked at are the first
    sqrt(number of kinds), but only such as occur more than once (OBELICS and BigScience ROOTS character repetition)."""
    group, counts, windows = runs(values, starts, n)
    kinds = np.bincount(group, minlength=len(windows))
    again = np.flatnonzero(counts > 1)
    if not len(again):
        return np.zeros(len(windows))
    again = again[np.lexsort((-counts[again], group[again]))]
    owner = group[again]
    per_group = np.bincount(owner, minlength=len(windows))
    rank = np.arange(len(again)) - (np.cumsum(per_group) - per_group)[owner]
    chosen = again[rank < np.sqrt(kinds[owner]).astype(np.int64)]
    mass = np.bincount(group[chosen], counts[chosen], len(windows))
    return mass / np.maximum(windows, 1)
