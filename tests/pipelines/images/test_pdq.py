from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from pipelines.images.measures import phash
from pipelines.images.pdq import pdq
from tests.support.pictures import encoded, scene

pdqhash = pytest.importorskip("pdqhash")


def distance(a: str, b: str) -> int:
    return (int(a, 16) ^ int(b, 16)).bit_count()


def reference(rgb: np.ndarray) -> tuple[str, int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(bits.astype(np.uint8)).tobytes().hex(), quality


def grey(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)


@pytest.mark.parametrize("size", [(64, 64), (65, 130), (336, 500), (500, 336), (900, 128), (1023, 767)])
def test_equals_the_reference_library(size):
    rgb = scene(*size, seed=size[0])
    ours, quality = pdq(grey(rgb))
    theirs, their_quality = reference(rgb)
    assert distance(ours, theirs) <= 4 and abs(quality - their_quality) <= 2


def test_agrees_on_real_images(shared_data):
    checked = 0
    for path in sorted((shared_data / "images_dev").glob("*.jpg"))[:60]:
        with Image.open(path) as image:
            image.draft("RGB", (400, 400))
            rgb = np.asarray(image.convert("RGB"))
        theirs, their_quality = reference(rgb)
        ours, quality = pdq(grey(rgb))
        if their_quality >= 80:
            assert distance(ours, theirs) <= 10, path.name
            checked += 1
        assert abs(quality - their_quality) <= 3
    assert checked > 30


def test_copies_are_near_and_others_far():
    a, b = scene(640, 480, 1), scene(640, 480, 2)
    small = np.asarray(
        Image.open(__import__("io").BytesIO(encoded(cv2.resize(a, (200, 150), interpolation=cv2.INTER_AREA), "JPEG", quality=60)))
    )
    assert distance(pdq(grey(a))[0], pdq(grey(small))[0]) <= 31
    assert distance(pdq(grey(a))[0], pdq(grey(b))[0]) > 90
    assert distance(phash(grey(a)), phash(grey(small))) <= 10
    assert distance(phash(grey(a)), phash(grey(b))) > 12


@pytest.mark.parametrize("size", [(129, 128), (130, 257), (300, 200), (511, 900), (1, 3000), (2000, 130)])
def test_every_place_is_divided_by_what_its_box_covers(size):
    from pipelines.images.pdq import _average, _window

    height, width = size
    kernel = (_window(width), _window(height))
    sums = np.random.default_rng(0).random(size, np.float32)
    before = sums.copy()
    tall, wide = _average(sums, kernel)
    assert np.array_equal(sums, before * (1.0 / (tall[:, None] * wide[None, :])))
    assert tall.max() == kernel[1] and wide.max() == kernel[0] and min(tall.min(), wide.min()) >= 1


def test_pictures_of_many_sizes_leave_no_tables_behind():
    """A run that lasted filled its decoders with a table for each size: 1.2 GB after 15,000 pictures (found by soak)."""
    import tracemalloc

    picture = np.random.default_rng(0).integers(0, 256, (400, 400)).astype(np.uint8)
    pdq(picture)
    tracemalloc.start()
    for i in range(60):
        pdq(picture[i:, : 400 - i // 2])
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 1_000_000, kept
