"""Runs in the guarded child: shrinks and encodes one picture anew."""

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
    """The function for a setting: {"to": format or "", "quality", "max_side"}."""
    wanted = json.loads(setup)

    def recode(data: bytes) -> bytes:
        with Image.open(io.BytesIO(data)) as image:
            kind = wanted["to"].upper() or (image.format or "PNG")
            small = not wanted["max_side"] or max(image.size) <= wanted["max_side"]
            if small and not wanted["to"]:
                return data
            upright = ImageOps.exif_transpose(image)
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
