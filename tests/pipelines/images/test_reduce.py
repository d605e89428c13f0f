"""The small pictures that are measured, and the model's input made from the crop alone."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.images.pixels import on_white, reduce
from pipelines.images.prepare import Target, prepare, prepare_centre
from tests.support.pictures import scene


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(640, 427), (427, 640), (300, 801), (90, 61), (223, 700), (448, 448), (1000, 333)])
def test_the_crop_alone_gives_the_same_picture(size, interpolation):
    target = Target(224, 224, "shortest", interpolation)
    whole, alone = prepare(scene(*size), target), prepare_centre(scene(*size), target)
    assert whole.shape == alone.shape == (224, 224, 3)
    assert np.abs(whole.astype(int) - alone).max() <= 3  # a filter's weights may round the other way


def test_other_modes_are_left_to_the_whole():
    for target in (Target(224, 224, "squash"), Target(224, 224, "longest"), Target(224, 336)):
        assert (prepare(scene(500, 300), target) == prepare_centre(scene(500, 300), target)).all()


def test_blocks_are_averaged_and_small_pictures_stay():
    rgb = np.zeros((9, 13, 3), np.uint8)
    rgb[:, 1::2] = 100
    small = reduce(rgb, 4)
    assert small.shape == (4, 6, 3) and (small == 50).all()
    assert reduce(rgb, 5) is rgb


def test_transparency_is_rounded_to_the_nearest_for_every_colour_and_alpha():
    colour, alpha = np.meshgrid(np.arange(256), np.arange(256))
    rgba = np.stack([colour, colour, colour, alpha], axis=2).astype(np.uint8)
    want = (colour * alpha + 255 * (255 - alpha) + 127) // 255
    assert (on_white(rgba)[:, :, 1] == want).all()
