"""What the image and pair rules read: the facts of one decoded picture, and of one picture beside its texts."""

from __future__ import annotations

from typing import NamedTuple


class ImageFacts(NamedTuple):
    """One image as fetched. None = not measured (no model, or the picture could not say)."""

    format: str  # jpeg, png, webp, gif, avif, ... ; "" = unknown
    width: int  # pixels, upright (EXIF orientation applied); 0 = unknown
    height: int
    bytes: int  # of the file
    frames: int  # 1 = a still
    entropy: float | None = None  # bits of the grey-level histogram, 0 to 8
    blankness: float | None = None  # share of pixels in the most frequent colour (5 bits a channel)
    pdq_quality: int | None = None  # 0 to 100
    nsfw: float | None = None  # 0 to 1
    watermark: float | None = None  # 0 to 1


class PairFacts(NamedTuple):
    """An image and the texts beside it. Similarities are cosines, rounded as `score.precision` says."""

    similarity: float | None = None  # with the best of its texts
    margin: float | None = None  # that, less the mean similarity with texts of other pages
