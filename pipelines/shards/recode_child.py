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
    """The function for a setting: {"to": format or "", "quality", "max_side", "faces": blur them}. What needs none of it comes back as it
    was."""
    wanted = json.loads(setup)

    def recode(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            kind = wanted["to"].upper() or (image.format or "PNG")
            small = not wanted["max_side"] or max(image.size) <= wanted["max_side"]
            if small and not wanted["to"] and not wanted["faces"]:
                return data
            upright = ImageOps.exif_transpose(image)
            blurred = without_faces(upright) if wanted["faces"] else None
            if small and not wanted["to"] and blurred is None:
                return data
            upright = blurred or upright
            if not small:
                upright.thumbnail((wanted["max_side"], wanted["max_side"]), Image.Resampling.LANCZOS)
            if kind not in OPTIONS:
                kind = "PNG"
            mode = "RGB" if kind == "JPEG" or upright.mode not in ("RGB", "RGBA", "L") else upright.mode
            quality = {} if kind == "PNG" else {"quality": wanted["quality"]}
            out = io.BytesIO()
            upright.convert(mode).save(out, kind, **OPTIONS[kind], **quality)
            return out.getvalue()

    return recode


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
