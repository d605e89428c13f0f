"""What the guarded child does with one picture: header check, decode, measure, bring to the model's size.

`make(setup)` returns the function that `pipelines.guard` calls: bytes in (one flag, then the file), bytes out (`unpack`).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.images.header import HeaderError, read
from pipelines.images.prepare import Target

MAKE = "pipelines.images.decode:make"
_HEAD = struct.Struct("<II")
FACES_SIDE = 448
SEEN, ALWAYS = b"\0", b"\1"  # flag: models see it if it passes the gate | whatever the gate says


@dataclass(frozen=True)
class DecodeSetup:
    """All that the child is told."""

    formats: tuple[str, ...]
    max_pixels: int
    max_bytes: int
    side: int  # shorter side, at least, of the small picture that is measured
    exact: bool = False
    faces: bool = False
    gate_min_side: int = 0
    gate_max_aspect: float = 1e9
    target: Target | None = None  # None: no model wants pixels

    def dump(self) -> bytes:
        return json.dumps(asdict(self) | {"target": self.target}).encode()

    @staticmethod
    def load(data: bytes) -> DecodeSetup:
        raw = json.loads(data)
        target = raw.pop("target")
        return DecodeSetup(**{**raw, "formats": tuple(raw["formats"])}, target=Target(*target) if target else None)


def unpack(reply: bytes, target: Target | None) -> tuple[dict[str, Any], Any]:
    """(facts, pixels or None) from what the child sent. ValueError if it is not of the expected shape."""
    import numpy as np

    n, m = _HEAD.unpack_from(reply)
    facts = json.loads(reply[_HEAD.size : _HEAD.size + n])
    if not isinstance(facts, dict) or len(reply) != _HEAD.size + n + m:
        raise ValueError("the decoding process sent something else than a result")
    if not m:
        return facts, None
    if target is None or m != target.height * target.width * 3:
        raise ValueError(f"the decoding process sent {m} bytes of pixels")
    return facts, np.frombuffer(reply, np.uint8, m, _HEAD.size + n).reshape(target.height, target.width, 3)


def make(setup: bytes) -> Callable[[bytes], bytes]:
    """The child's function. Native decoders are imported here, so only in the child."""
    from pipelines.images import pixels
    from pipelines.images.measures import blankness, entropy, phash
    from pipelines.images.pdq import pdq
    from pipelines.images.prepare import prepare, prepare_centre

    s = DecodeSetup.load(setup)
    side = max(s.side, *(2 * x for x in s.target[:2])) if s.target else s.side  # at 1.5 times, one real photo in 12 was 4e-3 off
    if s.faces:  # small faces are lost in a small picture
        side = max(side, FACES_SIDE)
    faces = None
    if s.faces:
        from pipelines.images.faces import detect as faces

    def one(item: bytes) -> bytes:
        always, data = item[:1] == ALWAYS, item[1:]
        try:
            header = read(data)
        except HeaderError as e:
            return _pack({"status": "header", "detail": str(e)})
        width, height = header.upright
        facts: dict[str, Any] = {"format": header.format, "width": width, "height": height, "frames": header.frames}
        if header.format not in s.formats:
            return _pack({"status": "format", "detail": header.format, **facts})
        if width * height > s.max_pixels or len(data) > s.max_bytes:
            return _pack({"status": "pixels", "detail": f"{width} x {height}, {len(data)} bytes", **facts})
        rgb = pixels.decode(data, header, side, s.exact)
        work = pixels.reduce(rgb, s.side)  # large enough for PDQ: at half of it, one hash in ten is 12 bits off
        code, quality = pdq(pixels.cv2.cvtColor(work, pixels.cv2.COLOR_RGB2GRAY))
        work = pixels.reduce(work, s.side // 2)
        grey = pixels.cv2.cvtColor(work, pixels.cv2.COLOR_RGB2GRAY)
        facts |= {"status": "ok", "entropy": round(entropy(grey), 4), "blankness": round(blankness(work), 4), "pdq": code,
                  "pdq_quality": quality, "phash": phash(grey)}  # fmt: skip
        if faces is not None:
            facts["faces"] = len(faces(pixels.cv2.cvtColor(pixels.reduce(rgb, FACES_SIDE), pixels.cv2.COLOR_RGB2GRAY)))
        short, long = min(width, height), max(width, height)
        facts["gate"] = short >= s.gate_min_side and long <= s.gate_max_aspect * short
        seen = s.target is not None and (facts["gate"] or always)
        if not seen:
            return _pack(facts)
        assert s.target is not None
        near = rgb if s.exact else pixels.reduce(rgb, 2 * max(s.target.height, s.target.width))
        return _pack(facts, (prepare if s.exact else prepare_centre)(near, s.target).tobytes())

    return one


def _pack(facts: dict[str, Any], pixels: bytes = b"") -> bytes:
    head = json.dumps(facts).encode()
    return _HEAD.pack(len(head), len(pixels)) + head + pixels
