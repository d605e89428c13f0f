"""Metadata goes, the picture stays bit for bit."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from pipelines.images.header import read
from pipelines.images.strip import StripError, without_metadata
from pipelines.shards.recode_child import make
from tests.support.pictures import encoded, scene

SECRET = b"48.8584N 2.2945E"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int) -> bytes:
    block = Image.Exif()
    block[0x010E] = SECRET.decode()  # description
    block[0x0112] = orientation
    block.get_ifd(0x8825)[1] = "N"  # GPS
    return block.tobytes()


def files(orientation: int) -> dict[str, bytes]:
    """A picture per format, each with the secret in every place that Pillow can write."""
    pixels = scene(97, 61, 5)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET.decode(), zip=False)
    xmp = b"<x:xmpmeta>" + SECRET + b"</x:xmpmeta>"
    jpeg = {"exif": exif(orientation), "comment": SECRET, "icc_profile": PROFILE, "xmp": xmp}
    frames = [Image.fromarray(scene(97, 61, i)).quantize(32) for i in range(3)]
    gif = io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:], comment=SECRET, loop=0, duration=70)
    return {
        "jpeg": encoded(pixels, "JPEG", quality=85, **jpeg), "progressive": encoded(pixels, "JPEG", quality=85, progressive=True, **jpeg),
        "cmyk": encoded(pixels, "JPEG", "CMYK", quality=85, **jpeg),
        "png": encoded(pixels, "PNG", pnginfo=info, exif=exif(orientation), icc_profile=PROFILE),
        "palette": encoded(pixels, "PNG", "P", pnginfo=info, exif=exif(orientation)),
        "webp": encoded(pixels, "WEBP", quality=80, exif=exif(orientation), xmp=xmp, icc_profile=PROFILE),
        "lossless": encoded(pixels, "WEBP", lossless=True, exif=exif(orientation), xmp=xmp), "gif": gif.getvalue(),
    }  # fmt: skip


def frames_of(data: bytes) -> list[np.ndarray]:
    with Image.open(io.BytesIO(data)) as image:
        out = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            out.append(np.asarray(image.convert("RGBA")))
        return out


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("name", list(files(1)))
def test_nothing_is_told_and_nothing_looks_different(name, orientation):
    before = files(orientation)[name] + SECRET  # and something behind the end
    after = without_metadata(before)
    assert SECRET in before and SECRET not in after and b"GPS" not in after
    assert all(np.array_equal(a, b) for a, b in zip(frames_of(before), frames_of(after), strict=True))
    assert read(after) == read(before)  # format, size, frames, orientation
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as two:
        assert one.info.get("icc_profile") == two.info.get("icc_profile") and one.info.get("duration") == two.info.get("duration")
        assert set(two.getexif()) <= {0x0112} and not two.info.get("comment") and not two.info.get("xmp")
    assert without_metadata(after) == after


def test_a_file_without_any_keeps_its_bytes():
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(scene(50, 40), kind)
        assert without_metadata(data) == data


def test_what_breaks_off_is_refused_here_and_encoded_anew_by_pack():
    data = files(1)["jpeg"]
    with pytest.raises(StripError, match="breaks off"):
        without_metadata(data[:-40])
    recode = make(json.dumps({"to": "", "quality": 90, "max_side": 0, "faces": False, "strip": True}).encode())
    assert recode(data) == without_metadata(data)
    avif = encoded(scene(64, 64), "TIFF")
    with pytest.raises(StripError, match="without decoding"):
        without_metadata(avif)
    with Image.open(io.BytesIO(recode(avif))) as image:
        assert image.format == "PNG"
