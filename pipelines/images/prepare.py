"""A picture brought to a model's size, as open_clip's own transforms do it (before conversion to numbers)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class Target(NamedTuple):
    """What a model wants to see."""

    height: int
    width: int
    mode: str = "shortest"  # shortest: fill and crop the centre; longest: fit and pad; squash: stretch
    interpolation: str = "bicubic"
    fill: int = 0  # colour of the padding


def prepare(rgb: NDArray[np.uint8], target: Target) -> NDArray[np.uint8]:
    """height x width x 3 pixels of the target's size. Pillow's filters, so equal to open_clip's transforms when `rgb` is the whole
    picture."""
    image = Image.fromarray(rgb)
    w, h = image.size
    th, tw = target.height, target.width
    if target.mode == "squash":
        new = (tw, th)
    elif target.mode == "shortest" and th == tw:  # as torchvision's Resize: the longer side is cut down to an integer
        new = (tw, int(th * h / w)) if w <= h else (int(tw * w / h), th)
    else:
        ratio = max(h / th, w / tw) if target.mode == "longest" else min(h / th, w / tw)
        new = (round(w / ratio), round(h / ratio))
    new = (max(1, new[0]), max(1, new[1]))
    if new != (w, h):
        image = image.resize(new, Image.Resampling.BILINEAR if target.interpolation == "bilinear" else Image.Resampling.BICUBIC)
    return _centre(np.asarray(image), th, tw, target.fill)


def prepare_centre(rgb: NDArray[np.uint8], target: Target) -> NDArray[np.uint8]:
    """As `prepare`, but what the crop would cut off is never scaled (equal but for rounding; a third of a usual photograph)."""
    h, w = rgb.shape[:2]
    side = target.height
    if target.mode != "shortest" or side != target.width or h == w:
        return prepare(rgb, target)
    new = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    step = (w / new[0], h / new[1])
    corner = tuple(round((n - side) / 2) * s for n, s in zip(new, step, strict=True))
    far = tuple(min(c + side * s, float(n)) for c, s, n in zip(corner, step, (w, h), strict=True))
    reach = [int(2 * max(1.0, s)) + 2 for s in step]  # the filter looks two new pixels beyond the crop
    left, top = (max(0, int(c) - r) for c, r in zip(corner, reach, strict=True))
    right, bottom = (min(n, int(f) + r + 1) for f, r, n in zip(far, reach, (w, h), strict=True))
    image = Image.fromarray(np.ascontiguousarray(rgb[top:bottom, left:right]))
    box = (corner[0] - left, corner[1] - top, far[0] - left, far[1] - top)
    return np.asarray(
        image.resize((side, side), Image.Resampling.BILINEAR if target.interpolation == "bilinear" else Image.Resampling.BICUBIC, box=box)
    )


def _centre(pixels: NDArray[np.uint8], height: int, width: int, fill: int) -> NDArray[np.uint8]:
    h, w = pixels.shape[:2]
    if h < height or w < width:
        top, left = max(0, height - h) // 2, max(0, width - w) // 2
        padded = np.full((max(h, height), max(w, width), 3), fill, np.uint8)
        padded[top : top + h, left : left + w] = pixels
        pixels, (h, w) = padded, padded.shape[:2]
    top, left = round((h - height) / 2), round((w - width) / 2)
    return np.ascontiguousarray(pixels[top : top + height, left : left + width])
