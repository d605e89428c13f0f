"""The JSON of one document in a shard: a dict of fixed fields, and its canonical bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.shard import IMAGE_LISTS, PROVENANCE, member_name

EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"}  # the others are called what their format is called
SIGNIFICANT = 6  # digits kept of a measure

_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder().decode


class Picture(NamedTuple):
    """An image as it goes into the shard: its bytes as fetched, and what is known about it."""

    data: bytes
    format: str  # jpeg, png, webp, gif, avif ...
    sha256: str
    width: int  # pixels, upright
    height: int
    url: str = ""
    alt: str = ""
    caption: str = ""
    clip_score: float | None = None


class Member(NamedTuple):
    name: str
    data: bytes


def extension(image_format: str) -> str:
    return EXTENSIONS.get(image_format, image_format)


def members(
    key: str, fields: Mapping[str, Any], pieces: Iterable[str | Picture], quality: Mapping[str, float | None], nodes: Iterable[int] = ()
) -> tuple[dict[str, Any], list[Member]]:
    """The record and the members (JSON first) of a document.

    `fields` holds the provenance (`schemas.shard.PROVENANCE`); `pieces` are its texts and pictures in page order; `quality` its
    measures, NULL where one does not apply; `nodes` the pieces' places on the page as extracted (for `weft why`).
    """
    texts: list[str | None] = []
    images: list[str | None] = []
    facts: dict[str, list[Any]] = {name: [] for name in IMAGE_LISTS}
    files: list[Member] = []
    for position, piece in enumerate(pieces):
        if isinstance(piece, str):
            texts.append(piece)
            images.append(None)
            row: tuple[Any, ...] = (None,) * len(IMAGE_LISTS)
        else:
            name = member_name(key, position, extension(piece.format))
            files.append(Member(name, piece.data))
            texts.append(None)
            images.append(name)
            score = None if piece.clip_score is None else significant(piece.clip_score)
            row = (piece.sha256, piece.width, piece.height, piece.alt, piece.caption, piece.url, score)
        for column, value in zip(IMAGE_LISTS, row, strict=True):
            facts[column].append(value)
    record = {
        "doc_id": key,
        **{name: fields.get(name) for name in PROVENANCE},
        "texts": texts,
        "images": images,
        **facts,
        "node_index": list(nodes),
        "quality": {name: None if value is None else significant(value) for name, value in quality.items()},
    }
    return record, [Member(member_name(key), dumps(record)), *files]


def significant(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT}g}")


def dumps(record: Mapping[str, Any]) -> bytes:
    """Canonical JSON: keys sorted, no spaces, UTF-8; numbers that are not finite become null."""
    return _encode(record)


def loads(data: bytes | memoryview) -> dict[str, Any]:
    """The record of a document's JSON. ValueError says what is wrong with it."""
    try:
        record = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise ValueError(f"not JSON: {e}") from e
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    texts, images = record.get("texts"), record.get("images")
    if not isinstance(texts, list) or not isinstance(images, list) or len(texts) != len(images):
        raise ValueError("`texts` and `images` are not lists of one length")
    for name in IMAGE_LISTS:
        if not isinstance(record.get(name), list) or len(record[name]) != len(images):
            raise ValueError(f"`{name}` is not a list as long as `images`")
    for i, (text, image) in enumerate(zip(texts, images, strict=True)):
        if (text is None) == (image is None) or not isinstance(text if image is None else image, str):
            raise ValueError(f"position {i} must hold either a text or an image")
    return record
