"""Draws a scene with Pillow: flat objects on a pale, structured background."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw, ImageFont

from demo.rng import Stream
from demo.scenes import COLOURS, Scene

PALE = ((246, 244, 238), (232, 240, 248), (238, 246, 234), (250, 238, 236), (240, 236, 248), (252, 250, 226), (228, 230, 232))


def picture(scene: Scene) -> Image.Image:
    """The scene as an RGB image of its own size."""
    draw = Stream("layout", scene.name)
    image = _background(scene.width, scene.height, draw)
    pen = ImageDraw.Draw(image)
    side = min(scene.width, scene.height)
    if scene.spread:
        box = (0, 0, scene.width, scene.height)
    else:
        x, y = (scene.width - side) // 2, (scene.height - side) // 2
        box = (x, y, x + side, y + side)
    if scene.text:
        _write(pen, scene, box, draw)
    else:
        for (cx, cy, r), shape, colour in _places(scene, box, draw):
            shape_on(pen, shape, cx, cy, r, COLOURS[colour])
    return image


def encode(image: Image.Image, ext: str, quality: int = 88) -> bytes:
    """The image as `jpg`, `png` or `webp` bytes. KeyError on another extension."""
    out = io.BytesIO()
    name = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}[ext]
    if name == "PNG":
        image.save(out, name, compress_level=1)
    else:
        image.save(out, name, quality=quality)
    return out.getvalue()


def _background(width: int, height: int, draw: Stream) -> Image.Image:
    """A pale gradient between two tints with soft bands: structure for perceptual hashes, no colour that a caption names."""
    a, b, c = draw.pick(PALE), draw.pick(PALE), draw.pick(PALE)
    shade = draw.between(10, 46)
    small = Image.new("RGB", (8, 8))
    pixels = []
    corner = [draw.between(0, shade) for _ in range(16)]
    for y in range(8):
        for x in range(8):
            tint = (a, b, c)[(x * 3 // 8 + y * 3 // 8) % 3]
            dark = corner[(y // 2) * 4 + x // 2]
            pixels.append(tuple(max(0, v - dark) for v in tint))
    small.putdata(pixels)
    return small.resize((width, height), Image.Resampling.BILINEAR)


def _places(scene: Scene, box: tuple[int, int, int, int], draw: Stream) -> list[tuple[tuple[int, int, int], str, str]]:
    """(centre, radius) of every object: no two touch, all lie inside the box."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    side = min(w, h)
    if scene.kind == "relation":
        r = [side * draw.between(13, 19) // 100 for _ in range(2)]
        a, b = draw.between(24, 32), draw.between(68, 76)
        jitter = [draw.between(36, 64), draw.between(36, 64)]
        first, second = (a, b) if scene.relation in ("above", "left") else (b, a)
        out = []
        for g, main, cross, radius in zip(scene.groups, (first, second), jitter, r, strict=True):
            fx, fy = (cross, main) if scene.relation in ("above", "below") else (main, cross)
            out.append(((x0 + w * fx // 100, y0 + h * fy // 100, radius), g.shape, g.colour))
        return out
    objects = [(g.shape, g.colour) for g in scene.groups for _ in range(g.count)]
    n = len(objects)
    top = {1: 30, 2: 22, 3: 18, 4: 16, 5: 14}.get(n, 13)
    for attempt in range(400):
        shrink = 1 - min(attempt, 200) / 500
        placed: list[tuple[int, int, int]] = []
        for _ in objects:
            r = int(side * draw.between(max(11, top - 4), top) / 100 * shrink)
            cx, cy = draw.between(x0 + r + 2, x1 - r - 2), draw.between(y0 + r + 2, y1 - r - 2)
            if any(math.hypot(cx - px, cy - py) < (r + pr) * 1.25 for px, py, pr in placed):
                break
            placed.append((cx, cy, r))
        if len(placed) == n:
            return [(p, s, c) for p, (s, c) in zip(placed, objects, strict=True)]
    raise AssertionError(f"scene {scene.name}: {n} objects found no room")


def shape_on(pen: ImageDraw.ImageDraw, shape: str, cx: int, cy: int, r: int, fill: tuple[int, int, int]) -> None:
    """One object of a scene, `r` pixels around its centre. ValueError on an unknown shape."""
    if shape == "circle":
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=fill)
    elif shape == "ring":
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), outline=fill, width=max(3, r * 3 // 10))
    elif shape == "square":
        s = r * 86 // 100
        pen.rectangle((cx - s, cy - s, cx + s, cy + s), fill=fill)
    elif shape == "triangle":
        pen.polygon([(cx, cy - r), (cx + r * 95 // 100, cy + r * 75 // 100), (cx - r * 95 // 100, cy + r * 75 // 100)], fill=fill)
    elif shape == "cross":
        t = max(2, r * 3 // 10)
        pen.rectangle((cx - r, cy - t, cx + r, cy + t), fill=fill)
        pen.rectangle((cx - t, cy - r, cx + t, cy + r), fill=fill)
    elif shape == "star":
        points = []
        for i in range(10):
            radius = r if i % 2 == 0 else r * 0.42
            angle = math.pi * i / 5 - math.pi / 2
            points.append((round(cx + radius * math.cos(angle)), round(cy + radius * math.sin(angle))))
        pen.polygon(points, fill=fill)
    else:
        raise ValueError(f"no shape {shape!r}")


def _write(pen: ImageDraw.ImageDraw, scene: Scene, box: tuple[int, int, int, int], draw: Stream) -> None:
    """The text in Pillow's own font, a capital `glyph_height` pixels high, at a drawn place inside the box."""
    font = ImageFont.load_default(size=max(8, round(scene.glyph_height / 0.72)))
    left, top, right, bottom = pen.textbbox((0, 0), scene.text, font=font)
    w, h = right - left, bottom - top
    x0, y0, x1, y1 = box
    x = x0 + draw.below(max(1, int(x1 - x0 - w)))
    y = y0 + draw.below(max(1, int(y1 - y0 - h)))
    pen.text((x - left, y - top), scene.text, font=font, fill=COLOURS[scene.ink], stroke_width=max(0, scene.glyph_height // 22),
             stroke_fill=COLOURS[scene.ink])  # fmt: skip
