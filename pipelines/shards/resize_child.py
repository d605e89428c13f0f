"""Runs in the guarded child: one picture through img2dataset's own Resizer."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable

from pipelines.images.header import read

MAX_PIXELS = 64 << 20  # the Resizer decodes before it looks at the size, so the header is read first


def make(setup: bytes) -> Callable[[bytes], bytes]:
    """The function for {"size", "mode"} of img2dataset's options image_size and resize_mode, the rest at its defaults. Back comes a line
    of JSON ({"width", "height", "original_width", "original_height"} or {"error"}) and the JPEG."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would look for a newer version on the network
    from img2dataset.resizer import Resizer

    wanted = json.loads(setup)
    resizer = Resizer(wanted["size"], wanted["mode"], resize_only_if_bigger=False)

    def resize(data: bytes) -> bytes:
        header = read(data)
        if header.width * header.height > MAX_PIXELS:
            return json.dumps({"error": f"{header.width} x {header.height} pixels"}).encode() + b"\n"
        image, width, height, original_width, original_height, error = resizer(io.BytesIO(data))
        if error is not None or image is None:
            return json.dumps({"error": str(error)[:200]}).encode() + b"\n"
        facts = {"width": width, "height": height, "original_width": original_width, "original_height": original_height}
        return json.dumps(facts).encode() + b"\n" + image

    return resize
