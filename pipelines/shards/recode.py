"""Optional re-encoding of images on their way into a shard: another format, fewer pixels, no metadata, faces blurred. It ties the shards' bytes to a codec build, so that is recorded."""

from __future__ import annotations

import json
import threading
from typing import NamedTuple

from pipelines.guard import Death, Guard, GuardLimits
from pipelines.settings.pack import PackSettings

TARGET = "pipelines.shards.recode_child:make"
LIMITS = GuardLimits(memory_bytes=3 << 30, seconds_per_item=30)


class Recoder(NamedTuple):
    """Calls the guarded child; `codec` names the libraries that decide about the bytes."""

    setup: str
    codec: str

    def __call__(self, data: bytes) -> bytes:
        """The picture, shrunk or encoded as configured. ValueError if it cannot be decoded."""
        answer = _guard(self.setup)(data)
        if isinstance(answer, Death):
            raise ValueError(f"cannot be encoded anew: {answer.kind}: {answer.message}")
        return answer


def recoder(settings: PackSettings) -> Recoder | None:
    """What to do with each image; None = leave it as fetched."""
    if not (settings.reencode or settings.max_side or settings.blur_faces or settings.strip_metadata):
        return None
    from PIL import __version__, features

    codecs = {name: features.version(name) for name in ("jpg", "libjpeg_turbo", "webp", "zlib")}
    if settings.blur_faces:
        import cv2

        codecs["opencv"] = cv2.__version__
    wanted = {
        "to": settings.reencode,
        "quality": settings.reencode_quality,
        "max_side": settings.max_side,
        "faces": settings.blur_faces,
        "strip": settings.strip_metadata,
    }
    setup = json.dumps(wanted, sort_keys=True)
    return Recoder(setup, json.dumps({"pillow": __version__, **codecs}, sort_keys=True))


_local = threading.local()


def _guard(setup: str) -> Guard:
    if getattr(_local, "setup", None) != setup:
        _local.setup, _local.guard = setup, Guard(TARGET, LIMITS, setup=setup.encode())
    return _local.guard
