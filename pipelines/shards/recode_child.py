"""Runs in the guarded child: blurs faces in one picture, shrinks it, encodes it anew."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

from PIL import Image, ImageOps

OPTIONS = {
    "JPEG": {"subsampling": 0, "optimize": False, "progressive": False},
    "WEBP": {"method": 4, "exact": False},
    "PNG": {"optimize": False},
}


def make(setup: bytes) -> Callable[[bytes], bytes]:
    """The function for a setting: {"to": format or "", "quality", "max_side", "faces": blur them, "strip": no metadata}. What needs none
    of it comes back as it was."""
    wanted = json.loads(setup)

    def recode(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            kind = wanted["to"].upper() or (image.format or "PNG")
            small = not wanted["max_side"] or max(image.size) <= wanted["max_side"]
            if small and not wanted["to"] and not wanted["faces"]:
                return bare(data, image, wanted["quality"]) if wanted["strip"] else data
            upright = ImageOps.exif_transpose(image)
            blurred = without_faces(upright) if wanted["faces"] else None
            if small and not wanted["to"] and blurred is None:
                return bare(data, image, wanted["quality"]) if wanted["strip"] else data
            upright = blurred or upright
            if not small:
                upright.thumbnail((wanted["max_side"], wanted["max_side"]), Image.Resampling.LANCZOS)
            if kind not in OPTIONS:
                kind = "PNG"
            return saved(upright, kind, wanted["quality"])

    return recode


def saved(image: Image.Image, kind: str, quality: int) -> bytes:
    """The pixels alone in a file of a format of OPTIONS."""
    mode = "RGB" if kind == "JPEG" or image.mode not in ("RGB", "RGBA", "L") else image.mode
    options = OPTIONS[kind] | ({} if kind == "PNG" else {"quality": quality})
    pixels = image.convert(mode)
    pixels.info.clear()
    out = io.BytesIO()
    pixels.save(out, kind, **options)
    return out.getvalue()


def bare(data: bytes, image: Image.Image, quality: int) -> bytes:
    """The file without its metadata; encoded anew only where its structure cannot be followed."""
    from pipelines.images.strip import StripError, without_metadata

    try:
        return without_metadata(data)
    except StripError:
        kind = image.format if image.format in OPTIONS else "PNG"
        return saved(ImageOps.exif_transpose(image), kind, quality)


def without_faces(image: Image.Image) -> Image.Image | None:
    """The picture with its faces blurred, transparency kept; None if none was found. Of an animation the first frame."""
    import numpy as np

    from pipelines.images.faces import blur

    clear, found = blur(np.asarray(image.convert("RGB")))
    if not found:
        return None
    out = Image.fromarray(clear)
    if "A" in image.getbands():
        out.putalpha(image.getchannel("A"))
    return out
