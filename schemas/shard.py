"""Shards: what they are called, what lies in them, and the index beside each. Readers need this module and nothing else.

A shard is a WebDataset tar. A document is `<key>.json` followed by its images `<key>.<position>.<ext>`, in page order and
adjacent; `key` is the document's id (32 hex digits, no dots) and `position` the image's place in the parallel lists
`texts` and `images` of the JSON. Every file that belongs to one version of a shard carries the shard's own sha256 in
its name, so a version is either wholly there or not, and the run's manifest alone says which versions count.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa

TRAIN, VAL = "train", "val"
PREFIX = "weft"
INDEX_VERSION = 1
BLOCK = 512  # tar's unit: headers and padding
TAR_END = 2 * BLOCK  # an archive ends with two zero blocks; ours with exactly two

INDEX_SUFFIX = ".index.parquet"  # ours
ENERGON_SUFFIX = ".tar.idx"  # Energon: little-endian uint64 start of each sample, then the end of the last
SIZES = "sizes.json"  # {tar: number of documents}: webdataset, open_clip
WIDS = "weft.wids.json"  # wids: shard list (train split)
WIDS_VAL = "weft-val.wids.json"
SUMS = "SHA256SUMS"
CARD = "README.md"  # its YAML head lets Hugging Face's loader know splits and features
ENERGON_META = ".nv-meta"

# Facts about images: lists parallel to `texts` and `images`, null where there is no image.
IMAGE_LISTS = (
    "image_sha256", "image_width", "image_height", "image_alt", "image_caption", "image_url", "image_clip_score",
)  # fmt: skip
# Facts about the document, in this order in the index of fields; strings, except where noted.
PROVENANCE = (
    "url", "canonical_url", "domain", "crawl", "warc_path", "warc_offset", "warc_length", "fetched_at", "title",
    "language", "language_score",
)  # fmt: skip
ESTIMATE = "estimate:utf8-bytes/4"  # the tokenizer's name when tokens were estimated, not counted

MEMBER = pa.struct([("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64())])

INDEX = pa.schema(
    [
        ("key", pa.string()),
        ("byte_offset", pa.int64()),  # of the document's first tar header
        ("byte_size", pa.int64()),  # headers, contents and padding of all its members: one pread gets the document
        ("members", pa.list_(MEMBER)),  # in archive order, the JSON first; offset: of the content, from the start of the file
        ("n_texts", pa.int32()),
        ("text_bytes", pa.int64()),  # UTF-8, without the nulls
        ("text_tokens", pa.int64()),  # by the tokenizer that the schema's metadata names; see `tokenizer_of`
        ("n_images", pa.int32()),
        ("widths", pa.list_(pa.int32())),  # per image, in order (no nulls between): pixels
        ("heights", pa.list_(pa.int32())),
        ("clip_scores", pa.list_(pa.float32())),  # NULL where none was measured
        ("quality", pa.float64()),
        ("language", pa.string()),
        ("domain", pa.string()),
        ("crc32", pa.uint32()),  # of the byte range
    ]
)


class ShardName(NamedTuple):
    """`weft-00017-0123456789ab.tar` (train) or `weft-val-00000-0123456789ab.tar`."""

    split: str
    number: int
    sha12: str  # first 12 hex digits of the tar's sha256

    @property
    def id(self) -> str:
        return shard_id(self.split, self.number)

    @property
    def stem(self) -> str:
        return f"{self.id}-{self.sha12}"

    @property
    def tar(self) -> str:
        return f"{self.stem}.tar"

    @property
    def index_file(self) -> str:
        return f"{self.stem}{INDEX_SUFFIX}"

    @property
    def energon(self) -> str:
        return f"{self.stem}{ENERGON_SUFFIX}"


_NAME = re.compile(rf"{PREFIX}-(val-)?(\d{{5,}})-([0-9a-f]{{12}})(?:\.tar|\.index\.parquet|\.tar\.idx)?")
_ID = re.compile(rf"{PREFIX}-(val-)?(\d{{5,}})")
_KEY = re.compile(r"[A-Za-z0-9_-]+")


def shard_id(split: str, number: int) -> str:
    """`weft-00017`; `weft-val-00000` for the validation split: a prefix of its own, so that one pattern never takes both."""
    return f"{PREFIX}-{'val-' if split == VAL else ''}{number:05d}"


def parse_id(text: str) -> tuple[str, int]:
    """Split and number of a shard id. ValueError if it is none."""
    if not (m := _ID.fullmatch(text)):
        raise ValueError(f"{text!r} is no shard id such as weft-00017 or weft-val-00000")
    return (VAL if m[1] else TRAIN), int(m[2])


def parse_name(text: str) -> ShardName:
    """What a file name of a shard (tar, index, .tar.idx, or the stem) says. ValueError if it is none."""
    if not (m := _NAME.fullmatch(text)):
        raise ValueError(f"{text!r} is no shard file such as weft-00017-0123456789ab.tar")
    return ShardName(VAL if m[1] else TRAIN, int(m[2]), m[3])


def member_name(key: str, position: int | None = None, extension: str = "json") -> str:
    """Name of a document's JSON (position None) or of the image at `position`."""
    return f"{key}.{extension}" if position is None else f"{key}.{position}.{extension}"


def valid_key(key: str) -> bool:
    """Letters, digits, _ and - only: a dot would end the key early for every WebDataset reader."""
    return bool(_KEY.fullmatch(key)) and len(key) <= 64


def index_schema(tokenizer: str = ESTIMATE, quality: str = "") -> pa.Schema:
    """The index's schema; `tokenizer` names who counted `text_tokens`, `quality` the measure in the column `quality`."""
    names = {"weft.table": "shard_index", "weft.version": str(INDEX_VERSION), "weft.tokenizer": tokenizer, "weft.quality": quality}
    return INDEX.with_metadata(names)  # pyright: ignore[reportUnknownMemberType]


def tokenizer_of(schema: pa.Schema) -> str:
    """Who counted `text_tokens` in an index. ValueError if this is not an index of a version we read."""
    meta = schema.metadata or {}
    if meta.get(b"weft.table") != b"shard_index" or meta.get(b"weft.version") != str(INDEX_VERSION).encode():
        raise ValueError(f"not a shard index of version {INDEX_VERSION}: metadata {dict(meta)}")
    return meta[b"weft.tokenizer"].decode()


def quality_of(schema: pa.Schema) -> str:
    """Which measure the column `quality` holds; "" = none."""
    return (schema.metadata or {}).get(b"weft.quality", b"").decode()
