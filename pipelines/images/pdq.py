"""PDQ, Meta's perceptual hash (256 bits and a quality), with the filters done by OpenCV.

Algorithm: ThreatExchange, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm" (2019), section on PDQ:
luminance, two passes of a box filter, 64 x 64 samples, 16 x 16 coefficients of a DCT, each compared with their median. Bit order and
quality as in the reference code (checked against the pdqhash library in the tests). Two hashes at most 31 bits apart show the same
picture; below quality 50 a hash should not be compared.
"""

from __future__ import annotations

import math
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE, LOW = 64, 16


@cache
def _dct() -> NDArray[np.float32]:
    i, j = np.arange(1, LOW + 1)[:, None], np.arange(SIDE)[None, :]
    return (math.sqrt(2 / SIDE) * np.cos(math.pi / 2 / SIDE * i * (2 * j + 1))).astype(np.float32)


def _counts(n: int, window: int) -> NDArray[np.float32]:
    """How many samples the box covers at each of n positions: it is cut off at the edges."""
    before, after = _reach(window)
    at = np.arange(n)
    return (np.minimum(at + after, n - 1) - np.maximum(at - before, 0) + 1).astype(np.float32)


def _reach(window: int) -> tuple[int, int]:
    half = (window + 2) // 2
    return window - half, half - 1


def _average(sums: NDArray[np.float32], kernel: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Divide the sums of a box filter, in place, by how many samples the box covers: as many everywhere but near the edges. No table of
    the picture's size is made, let alone kept: pictures come in thousands of sizes. Returns the counts by row and by column."""
    height, width = sums.shape
    (left, right), (top, bottom) = (_reach(k) for k in kernel)
    tall, wide = _counts(height, kernel[1]), _counts(width, kernel[0])
    every, middle = slice(None), slice(top, height - bottom)
    edges = [
        (slice(0, top), every),
        (slice(height - bottom, height), every),
        (middle, slice(0, left)),
        (middle, slice(width - right, width)),
    ]
    averaged = [sums[rows, cols] * (1.0 / (tall[rows, None] * wide[None, cols])) for rows, cols in edges]
    sums *= np.float32(1.0) / np.float32(kernel[0] * kernel[1])
    for (rows, cols), edge in zip(edges, averaged, strict=True):
        sums[rows, cols] = edge
    return tall, wide


def _window(n: int) -> int:
    return (n + 2 * SIDE - 1) // (2 * SIDE)


def pdq(grey: NDArray[np.uint8]) -> tuple[str, int]:
    """(64 hexadecimal digits, quality 0 to 100) of a grey picture of any size; best from 64 x 64 up."""
    height, width = grey.shape
    kernel = (_window(width), _window(height))
    smooth = grey.astype(np.float32)
    rows = ((np.arange(SIDE) + 0.5) * height / SIDE).astype(np.int64)[:, None]
    cols = ((np.arange(SIDE) + 0.5) * width / SIDE).astype(np.int64)
    if kernel == (1, 1):
        small = smooth[rows, cols]
    else:
        anchor = (_reach(kernel[0])[0], _reach(kernel[1])[0])
        once = cv2.boxFilter(smooth, -1, kernel, anchor=anchor, normalize=False, borderType=cv2.BORDER_CONSTANT)
        tall, wide = _average(once, kernel)
        twice = cv2.boxFilter(once, -1, kernel, dst=smooth, anchor=anchor, normalize=False, borderType=cv2.BORDER_CONSTANT)
        small = twice[rows, cols] * (1.0 / (tall[rows] * wide[cols]))  # of the second pass only the samples are needed
    steps = sum(int(np.trunc(np.diff(small, axis=a) * (100 / 255)).__abs__().sum()) for a in (0, 1))
    quality = min(100, int(steps / 90))
    d = _dct()
    low = d @ small @ d.T
    middle = np.partition(low.ravel(), LOW * LOW // 2 - 1)[LOW * LOW // 2 - 1]
    bits = (low > middle).ravel()[::-1]  # the first coefficient is the last bit
    return np.packbits(bits).tobytes().hex(), quality
