"""The bytes behind an image URL of the web."""

from __future__ import annotations

import io
import re
import struct
import zlib

from PIL import Image, ImageDraw

from demo.pictures import Picture, content
from demo.plan import Web
from demo.render import encode
from demo.render import picture as draw_scene
from demo.rng import Stream
from demo.scenes import COLOURS, make

_CONTENT = re.compile(r"/(?:private/|reserved/)?i/(\d+)/(\d+)\.(jpg|png|webp)$")
TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}


def content_picture(web: Web, path: str) -> Picture | None:
    """The picture of the main text that a path names, or None."""
    m = _CONTENT.match(path)
    if not m or int(m[1]) >= web.pages:
        return None
    return next((p for p in content(web, web.page(int(m[1]))) if p.url.split("/", 3)[3] == path[1:]), None)


def content_bytes(p: Picture) -> bytes:
    """A content picture as its file holds it: resized and re-encoded if it is a copy."""
    assert p.scene is not None
    image = draw_scene(p.scene)
    if image.size != (p.width, p.height):
        image = image.resize((p.width, p.height), Image.Resampling.LANCZOS)
    ext = p.url.rsplit(".", 1)[1]
    return encode(image, ext, 60 + Stream("quality", p.url).below(36))


def frame_bytes(path: str) -> tuple[bytes, str] | None:
    """(bytes, media type) of a picture of the frame (logo, icons, advertisements...), or None if the path names none."""
    name = path.lstrip("/")
    if name.startswith("t/p.gif"):
        return _gif(), "image/gif"
    if m := re.match(r"s/\d+-\d+-(\d+)\.png$", name):
        return _icon(name, min(512, int(m[1])), min(512, int(m[1]))), "image/png"
    sizes = {"static/brand.png": (180, 60), "static/share-a.png": (32, 32), "static/share-b.png": (32, 32), "static/seal.png": (200, 200)}
    if name in sizes:
        return _icon(name, *sizes[name]), "image/png"
    if re.match(r"static/face-\d\.png$", name):
        return _icon(name, 64, 64), "image/png"
    if re.match(r"ads/offer-\d\.jpg$", name):
        return _icon(name, 728, 90, "jpg"), "image/jpeg"
    if re.match(r"thumb/\d+-\d+\.jpg$", name):
        return encode(draw_scene(make("thumb", name)).resize((120, 90)), "jpg"), "image/jpeg"
    return None


def _icon(name: str, width: int, height: int, ext: str = "png") -> bytes:
    draw = Stream("icon", name)
    colours = list(COLOURS.values())
    image = Image.new("RGB", (width, height), draw.pick(colours))
    pen = ImageDraw.Draw(image)
    for _ in range(3):
        x, y = draw.below(width), draw.below(height)
        pen.ellipse((x - height // 4, y - height // 4, x + height // 4, y + height // 4), fill=draw.pick(colours))
    return encode(image, ext)


def _gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (1, 1)).save(out, "GIF")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of 30000 x 30000 black pixels in some 100 kB: 2.7 GB if decoded without a look at the header."""
    width = height = 30_000

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = zlib.compressobj(9)
    body = b"".join(line.compress(b"\0" * (width // 8 + 1)) for _ in range(height)) + line.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
