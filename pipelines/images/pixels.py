"""Bytes to upright RGB pixels of the size that is needed. Runs native decoders: call it in a guarded child (`decode.make`).

JPEGs are decoded by libjpeg-turbo at the smallest of its scales that is large enough, PNG and WebP by OpenCV; what these refuse, and
every other format, goes to Pillow. Metadata does not survive, transparency is laid on white, 16 bits become 8.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 28))  # sizes are checked before; this is the second fence
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import simplejpeg  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PIL import AvifImagePlugin, Image, MpoImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: E402, F401 (registers formats)

from pipelines.images.header import Header  # noqa: E402

cv2.setNumThreads(1)
PILLOW = {"jpeg": ("JPEG", "MPO"), "png": ("PNG",), "webp": ("WEBP",), "gif": ("GIF",), "avif": ("AVIF",)}


class DecodeError(ValueError):
    """The decoder could not make a picture of it."""


def decode(data: bytes, header: Header, side: int, exact: bool) -> NDArray[np.uint8]:
    """Upright RGB. Not `exact`: JPEGs come out with a shorter side of at least `side` (or whole, if smaller); others whole."""
    rgb = None
    if not exact:
        if header.format == "jpeg":
            rgb = _turbo(data, side)
        elif header.format in ("png", "webp") and header.frames == 1:
            rgb = _opencv(data, header)
    if rgb is None:
        rgb = _pillow(data, header)
    return upright(rgb, header.orientation)


def reduce(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture averaged over blocks of n x n pixels, n as large as leaves a shorter side of at least `side`; itself where n is 1. Up
    to n - 1 rows and columns at the right and lower edge are left out: whole blocks are what OpenCV averages several times faster."""
    h, w = rgb.shape[:2]
    n = min(h, w) // side
    if n < 2:
        return rgb
    return cv2.resize(rgb[: h // n * n, : w // n * n], (w // n, h // n), interpolation=cv2.INTER_AREA)


def _turbo(data: bytes, side: int) -> NDArray[np.uint8] | None:
    try:
        space = simplejpeg.decode_jpeg_header(data)[2]
        if space in ("CMYK", "YCCK"):
            return None
        return simplejpeg.decode_jpeg(data, "RGB", min_height=side, min_width=side)
    except ValueError:  # damaged, or a kind of JPEG that it does not know
        return None


def _opencv(data: bytes, header: Header) -> NDArray[np.uint8] | None:
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    if image is None or image.shape[:2] != (header.height, header.width):
        return None
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    elif image.dtype != np.uint8:
        return None
    if image.ndim == 2:
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if image.shape[2] == 3:
        return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    if image.shape[2] == 4:
        return on_white(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA))
    return None


def _pillow(data: bytes, header: Header) -> NDArray[np.uint8]:
    with warnings.catch_warnings(), _at_most(2 * header.width * header.height):
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            opened = Image.open(io.BytesIO(data), formats=PILLOW[header.format])
        except UnidentifiedImageError:  # its message holds a memory address
            raise DecodeError(f"not readable as {header.format}") from None
        with opened as image:
            image.seek(0)
            image.load()
            if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA", "RGBa", "La"):
                return on_white(np.asarray(image.convert("RGBA")))
            if image.mode.startswith("I") or image.mode == "F":
                wide = np.asarray(image).astype(np.float64)
                top = 65535.0 if wide.max(initial=0) > 255 else 255.0
                grey = np.clip(wide * (255.0 / top), 0, 255).astype(np.uint8)
                return np.repeat(grey[:, :, None], 3, axis=2)
            return np.asarray(image.convert("RGB"))


@contextmanager
def _at_most(pixels: int) -> Iterator[None]:
    """Pillow's own limit, for a file that decodes to more than the header said."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, pixels
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Transparency laid on white, rounded."""
    rgb, alpha = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), cv2.extractChannel(rgba, 3)  # numpy takes channels out byte by byte
    if alpha.min(initial=255) == 255:
        return rgb
    behind = cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)
    return cv2.add(cv2.multiply(rgb, behind, scale=1 / 255), cv2.bitwise_not(behind))


def upright(rgb: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    return np.ascontiguousarray(np.flip(rgb, flips) if flips else rgb)
