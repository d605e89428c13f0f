"""Faces by OpenCV's frontal-face Haar cascade (it comes with the library): counting, and blurring on request.

A coarse tool: it misses profiles and small faces and finds some where there are none. Off by default. Parameters as in OpenCV's
tutorial on cascades; faces smaller than 24 pixels are not looked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

SMALLEST = 24  # pixels: the size the cascade was trained at


@cache
def _cascade() -> Any:
    found = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    if found.empty():
        raise RuntimeError(
            "OpenCV came without its Haar cascades: install opencv-python-headless from its wheel, or set score.faces = false"
        )
    return found


def detect(grey: NDArray[np.uint8]) -> list[tuple[int, int, int, int]]:
    """Boxes (left, top, width, height) in pixels, in a fixed order."""
    found = _cascade().detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(SMALLEST, SMALLEST))
    return sorted(tuple(int(v) for v in box) for box in found)  # type: ignore[misc]


def blur(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """A copy with every found face blurred beyond recognition, and how many there were."""
    out = rgb.copy()
    boxes = detect(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    for x, y, w, h in boxes:
        part = out[y : y + h, x : x + w]
        coarse = cv2.resize(part, (4, 4), interpolation=cv2.INTER_AREA)
        out[y : y + h, x : x + w] = cv2.resize(coarse, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)
    return out, len(boxes)
