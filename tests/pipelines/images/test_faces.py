"""Faces: found, counted by score, blurred by pack. The face is drawn, so that the tree holds nobody's."""

from __future__ import annotations

import io
import json

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.images.faces import blur, detect
from pipelines.settings.pack import PackSettings
from pipelines.shards.recode import recoder
from pipelines.shards.recode_child import make
from tests.support.pictures import encoded, scene


def face(size: int = 100) -> np.ndarray:
    """A frontal face of light and dark ellipses, grey in three channels, size x 2 pixels a side."""
    canvas = np.full((size * 2, size * 2, 3), 90, np.uint8)

    def ellipse(x: float, y: float, rx: float, ry: float, value: int) -> None:
        centre, axes = (int(size * (1 + x)), int(size * (1 + y))), (int(rx * size), int(ry * size))
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, (value,) * 3, -1, cv2.LINE_AA)

    for part in ((0, -0.05, 0.55, 0.72, 40), (0, 0.05, 0.47, 0.62, 200), (0, -0.42, 0.4, 0.16, 215)):  # hair, face, forehead
        ellipse(*part)
    for side in (-1, 1):  # socket, brow, white, pupil, cheek
        ellipse(side * 0.2, -0.08, 0.15, 0.075, 120)
        ellipse(side * 0.2, -0.17, 0.14, 0.03, 60)
        ellipse(side * 0.2, -0.07, 0.1, 0.045, 235)
        ellipse(side * 0.2, -0.07, 0.045, 0.045, 25)
        ellipse(side * 0.27, 0.2, 0.12, 0.12, 215)
    for part in ((0, 0.08, 0.05, 0.18, 225), (0, 0.22, 0.09, 0.035, 130), (0, 0.4, 0.18, 0.05, 95)):  # nose, its shadow, mouth
        ellipse(*part)
    return cv2.GaussianBlur(canvas, (0, 0), size / 60)


def saved(pixels: np.ndarray, kind: str, **more: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind, **more)
    return out.getvalue()


def faces_in(data: bytes) -> int:
    with Image.open(io.BytesIO(data)) as image:
        return len(detect(np.asarray(image.convert("L"))))


def test_a_face_is_found_and_a_scene_has_none():
    ((x, y, w, h),) = detect(face()[..., 0])
    assert x < 100 < x + w and y < 100 < y + h and w > 80
    assert detect(np.asarray(Image.fromarray(np.asarray(scene(320, 240, 3))).convert("L"))) == []


def test_blurring_leaves_the_rest_alone():
    pixels = face()
    ((x, y, w, h),) = detect(pixels[..., 0])
    clear, found = blur(pixels)
    outside = np.ones(pixels.shape[:2], bool)
    outside[y : y + h, x : x + w] = False
    assert found == 1 and detect(clear[..., 0]) == [] and (clear[outside] == pixels[outside]).all()
    edges = [float(np.abs(np.diff(a[y : y + h, x : x + w, 0].astype(int))).max()) for a in (clear, pixels)]
    assert edges[0] < edges[1] / 2  # nothing sharp is left


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_pack_stores_no_face_in_any_format(kind):
    again = recoder(PackSettings(blur_faces=True))
    assert again is not None and "opencv" in json.loads(again.codec)
    before = saved(face(), kind)
    after = again(before)  # through the guarded child, as pack does
    assert faces_in(before) == 1 and faces_in(after) == 0
    with Image.open(io.BytesIO(after)) as image:
        assert image.format == kind and image.size == (200, 200)


def test_a_picture_without_a_face_keeps_its_bytes():
    data = encoded(scene(320, 240, 3), "JPEG", quality=80)
    assert make(json.dumps({"to": "", "quality": 90, "max_side": 0, "faces": True, "strip": False}).encode())(data) == data


def test_a_face_that_lies_on_its_side_is_found_by_its_orientation_and_transparency_stays():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = saved(np.rot90(face()).copy(), "JPEG", exif=exif)
    recode = make(json.dumps({"to": "", "quality": 90, "max_side": 0, "faces": True, "strip": False}).encode())
    assert recode(turned) != turned and faces_in(recode(turned)) == 0
    rgba = np.dstack([face(), np.full((200, 200), 128, np.uint8)])
    with Image.open(io.BytesIO(recode(saved(rgba, "PNG")))) as image:
        assert image.mode == "RGBA" and image.getchannel("A").getextrema() == (128, 128)
