"""[pack]: the shards. Layout: docs/shards.md."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipelines.settings.base import Settings


class PackSettings(Settings):
    shard_bytes: int = Field(
        512_000_000, ge=100_000, description="Size a shard aims at; the number of shards follows from the bytes counted before packing."
    )
    shards: int = Field(0, ge=0, description="Number of training shards; 0 = from shard_bytes.")
    tokenizer: str = Field(
        "",
        description="tokenizer.json that counts text tokens for the index; empty = a quarter of the UTF-8 bytes, labelled an estimate.",
    )
    quality: str = Field("doc_quality", description="Document measure that stands in the index's column `quality`.")
    measures: bool = Field(True, description="Write the documents' measures into their JSON.")
    reencode: Literal["", "jpeg", "webp", "png"] = Field(
        "", description="Encode images anew; empty = the bytes as fetched. Ties shards to the codec's version, which is recorded."
    )
    reencode_quality: int = Field(90, ge=1, le=100, description="Quality of the new JPEG or WebP.")
    strip_metadata: bool = Field(
        False,
        description="Take EXIF (places, cameras), XMP, IPTC and comments out of the stored files without decoding them; the orientation stays.",
    )
    blur_faces: bool = Field(
        False,
        description="Blur faces before images are stored (OpenCV's Haar cascade, which misses profiles and small faces). Only images with a face found are encoded anew.",
    )
    max_side: int = Field(0, ge=0, description="Shrink images whose longer side is longer, in pixels (implies encoding anew); 0 = never.")
