"""Pictures made here for the tests: a scene with detail, in any format and mode."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def scene(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A smooth, detailed RGB picture."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (12, 16, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def encoded(pixels: np.ndarray, kind: str, mode: str | None = None, **options: object) -> bytes:
    image = Image.fromarray(pixels)
    if mode:
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def with_orientation(pixels: np.ndarray, value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(pixels, "JPEG", quality=95, exif=exif)
