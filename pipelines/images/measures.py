"""Measures of decoded pixels that need no model. Pure functions over arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def entropy(grey: NDArray[np.uint8]) -> float:
    """Shannon entropy of the grey-level histogram in bits: 0 = one level, 8 = all levels alike."""
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()
    p = counts[counts > 0] / grey.size
    return abs(float(-(p * np.log2(p)).sum()))


def blankness(rgb: NDArray[np.uint8]) -> float:
    """Share of the pixels in the most frequent colour, at 5 bits a channel (so that JPEG noise does not split a colour)."""
    cells = cv2.calcHist([rgb], [0, 1, 2], None, [32, 32, 32], [0, 256, 0, 256, 0, 256])
    return float(cells.max()) / (rgb.shape[0] * rgb.shape[1])


def phash(grey: NDArray[np.uint8]) -> str:
    """64-bit perceptual hash, 16 hexadecimal digits: the 8 x 8 lowest DCT coefficients of the picture at 32 x 32, each above the
    median or not (as the imagehash library; the scaling filter differs, so compare within one run)."""
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8]
    return np.packbits((low > np.median(low)).ravel()).tobytes().hex()
