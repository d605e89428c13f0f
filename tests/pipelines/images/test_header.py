from __future__ import annotations

import io
import struct
import warnings

import pytest
from PIL import Image

from pipelines.images.header import HeaderError, read, sniff
from tests.support.pictures import encoded, scene, with_orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
def test_sizes_of_what_pillow_writes(kind):
    header = read(encoded(scene(123, 77), kind))
    assert (header.format, header.width, header.height, header.frames) == (kind.lower(), 123, 77, 1)


def test_lossless_and_extended_webp():
    rgba = Image.fromarray(scene(50, 60)).convert("RGBA")
    out = io.BytesIO()
    rgba.save(out, "WEBP", lossless=True)
    assert read(out.getvalue())[:3] == ("webp", 50, 60)
    out = io.BytesIO()
    rgba.save(out, "WEBP", exif=Image.Exif().tobytes() or b"Exif\0\0", quality=50)
    assert read(out.getvalue())[:3] == ("webp", 50, 60)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_animations_count_their_frames(kind):
    frames = [Image.fromarray(scene(40, 30, seed)) for seed in range(3)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])
    assert read(out.getvalue())[:4] == (kind.lower(), 40, 30, 3)


@pytest.mark.parametrize("value", range(1, 9))
def test_orientation_turns_the_size(value):
    header = read(with_orientation(scene(60, 20), value))
    assert header.orientation == value
    assert header.upright == ((20, 60) if value >= 5 else (60, 20))


def test_what_is_known_but_not_decoded_has_a_format_and_no_size():
    assert read(b"II*\0" + bytes(20)).format == "tiff"
    assert read(b"<?xml version='1.0'?><svg xmlns='x'/>") == ("svg", 0, 0, 1, 1)
    assert sniff(b"<html><body>not found</body></html>") is None


@pytest.mark.parametrize(
    "data, words",
    [
        (b"", "no picture"),
        (b"<html>404</html>", "no picture"),
        (b"\xff\xd8\xff", "cut off"),
        (b"\xff\xd8\xff\xda\0\2", "before a frame header"),
        (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBB", 13, b"IHDR", 0, 5, 8, 2) + bytes(9), "size of 0 x 5"),
        (b"GIF89a" + struct.pack("<HHBBB", 5, 5, 0, 0, 0) + b";", "no frame"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(20), "no key frame"),
    ],
)
def test_broken_headers_say_what_is_wrong(data, words):
    with pytest.raises(HeaderError, match=words):
        read(data)


def test_agrees_with_pillow_on_real_images(shared_data):
    seen = 0
    for path in sorted((shared_data / "images_dev").iterdir()):
        data = path.read_bytes()
        if sniff(data) not in ("jpeg", "png", "webp", "gif", "avif"):
            continue
        with Image.open(path) as image:
            assert (read(data).width, read(data).height) == image.size, path.name
            assert read(data).orientation in (1, image.getexif().get(0x0112, 1)), path.name
            frames = 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)  # further pictures of an MPO are no frames
            assert read(data).frames == frames, path.name
        seen += 1
    assert seen > 200


def test_nothing_but_header_errors_on_hostile_files(shared_data):
    for path in sorted((shared_data / "images_hostile").iterdir()):
        data = path.read_bytes()
        for cut in (len(data), len(data) // 2, 40):
            try:
                header = read(data[:cut])
            except HeaderError:
                continue
            if header.width:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        size = Image.open(path).size
                    except Exception:  # Pillow cannot read it at all: nothing to agree with
                        continue
                assert header.width * header.height >= 0.5 * size[0] * size[1] or header.format == "gif", path.name
