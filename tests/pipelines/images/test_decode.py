from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pipelines.guard import Death, Guard, GuardLimits
from pipelines.images.decode import ALWAYS, MAKE, SEEN, DecodeSetup, make, unpack
from pipelines.images.header import read
from pipelines.images.pixels import decode
from pipelines.images.prepare import Target
from tests.support.pictures import encoded, scene, with_orientation

SETUP = DecodeSetup(("jpeg", "png", "webp", "gif"), 50_000_000, 1 << 26, 128, False, False, 20, 4.0, Target(64, 64))


@pytest.fixture(scope="module")
def one():
    return make(SETUP.dump())


def facts(one, data, flag=SEEN):
    return unpack(one(flag + data), SETUP.target)


def test_measures_of_a_picture(one):
    found, pixels = facts(one, encoded(scene(300, 200), "JPEG", quality=90))
    assert found["status"] == "ok" and found["gate"]
    assert (found["format"], found["width"], found["height"], found["frames"]) == ("jpeg", 300, 200, 1)
    assert 5 < found["entropy"] <= 8 and found["blankness"] < 0.2 and found["pdq_quality"] >= 50
    assert len(found["pdq"]) == 64 and len(found["phash"]) == 16
    assert pixels.shape == (64, 64, 3)


def test_a_blank_picture_is_told_from_a_full_one(one):
    found, _ = facts(one, encoded(np.full((100, 100, 3), 200, np.uint8), "PNG"))
    assert (found["entropy"], found["blankness"], found["pdq_quality"]) == (0, 1, 0)


@pytest.mark.parametrize("value", range(1, 9))
def test_orientations_all_end_upright(one, value):
    upright = scene(96, 64)
    stored = {1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
              6: np.rot90(upright, 1), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1)}[value]  # fmt: skip
    data = with_orientation(np.ascontiguousarray(stored), value)
    pixels = decode(data, read(data), 64, exact=False)
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 8  # JPEG noise; a wrong turn gives 60


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("kind, mode, options", [
    ("JPEG", "CMYK", {}), ("JPEG", "L", {}), ("JPEG", None, {"progressive": True}), ("PNG", "P", {}), ("PNG", "L", {}), ("PNG", "1", {}),
    ("PNG", "LA", {}), ("PNG", "RGBA", {}), ("WEBP", "RGBA", {}), ("WEBP", None, {"lossless": True}), ("GIF", "P", {}),
])  # fmt: skip
def test_every_mode_becomes_rgb_that_looks_alike(kind, mode, options, exact):
    source = scene(80, 70)
    data = encoded(source, kind, mode, **options)
    pixels = decode(data, read(data), 64, exact)
    want = np.asarray(
        Image.fromarray(source).convert("1").convert("RGB")
        if mode == "1"
        else Image.fromarray(source).convert(mode or "RGB").convert("RGB")
    )
    assert pixels.shape == (70, 80, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - want).mean() < 8


def test_transparency_lies_on_white():
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[:, 20:, 3] = 255
    for exact in (False, True):
        data = encoded(rgba, "PNG")
        pixels = decode(data, read(data), 64, exact)
        assert (pixels[:, :20] == 255).all() and (pixels[:, 20:] == 0).all()


def test_sixteen_bits_become_eight():
    grey = (np.arange(64 * 64).reshape(64, 64) * 16).astype(np.uint16)
    data = encoded(grey, "PNG")
    for exact in (False, True):
        pixels = decode(data, read(data), 64, exact)
        assert np.abs(pixels[:, :, 0].astype(int) - (grey >> 8)).max() <= 1


def test_formats_sizes_and_rubbish_are_dropped_unopened(one):
    assert facts(one, encoded(scene(30, 30), "TIFF"))[0]["status"] == "format"
    assert facts(one, b"<html>gone</html>")[0]["status"] == "header"
    small = make(DecodeSetup(("png",), 100, 1 << 20, 64).dump())
    assert unpack(small(SEEN + encoded(scene(30, 30), "PNG")), None)[0]["status"] == "pixels"


def test_the_gate_holds_back_pixels_but_not_measures_and_the_sample_passes(one):
    data = encoded(scene(200, 10), "PNG")
    found, pixels = facts(one, data)
    assert found["status"] == "ok" and not found["gate"] and pixels is None and "pdq" in found
    assert facts(one, data, ALWAYS)[1] is not None


def test_a_bomb_is_refused_by_its_header(one):
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    bomb += chunk(b"IDAT", zlib.compress(bytes(30_000_00), 9)) + chunk(b"IEND", b"")
    assert facts(one, bomb)[0]["status"] == "pixels"


def test_hostile_images_all_get_an_answer(shared_data):
    files = [p for p in sorted((shared_data / "images_hostile").iterdir()) if p.suffix != ".tsv"]
    seen: dict[str, int] = {}
    with Guard(MAKE, GuardLimits(memory_bytes=2 << 30, seconds_per_item=20), setup=SETUP.dump()) as guard:
        answers = list(guard.map((SEEN + p.read_bytes() for p in files), batch=16))
    assert len(answers) == len(files)
    for _, reply in answers:
        kind = reply.kind if isinstance(reply, Death) else unpack(reply, SETUP.target)[0]["status"]
        seen[kind] = seen.get(kind, 0) + 1
    assert set(seen) <= {"ok", "format", "header", "pixels", "exception", "memory", "crash", "timeout"}
    assert seen["ok"] > 200 and seen["format"] > 150 and seen["header"] > 100 and seen["exception"] > 50 and seen["pixels"] >= 1
    assert all("0x" not in r.message for _, r in answers if isinstance(r, Death))  # no memory addresses: they differ between runs


def test_messages_from_a_subverted_child_are_refused():
    for reply in (b"", b"\1\0\0\0\0\0\0\0", b"\2\0\0\0\7\0\0\0{}abcdefg"):
        with pytest.raises((ValueError, Exception)):
            unpack(reply, SETUP.target)
