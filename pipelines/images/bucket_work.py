"""One bucket of fetched images: each distinct file decoded, measured and encoded once; one row per image URL.

No threshold is applied here. A row is kept if there is a picture and no hash list names it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from filters.base import At, RuleSet, Unit
from filters.registry import build, rules
from pipelines import storage
from pipelines.guard import Death, GuardLimits
from pipelines.images import hooks
from pipelines.images.decode import ALWAYS, SEEN, DecodeSetup
from pipelines.images.facts import ImageFacts
from pipelines.images.hash_list import HashList
from pipelines.images.hash_list import load as load_lists
from pipelines.images.prepare import Target
from pipelines.images.stream import decoded
from pipelines.settings.config import Config
from pipelines.settings.score import ScoreSettings
from pipelines.stage import Done
from schemas import tables
from schemas.ids import fraction_of
from schemas.reasons import Reason
from schemas.rows import Dead

SUCCESS = "success"
DROPPED = {"header": Reason.IMAGE_HEADER, "format": Reason.IMAGE_FORMAT, "pixels": Reason.IMAGE_PIXELS, "listed": Reason.IMAGE_LISTED}
EXTRA = ("image_width", "image_height", "image_bytes_per_pixel", "image_faces")  # measures beside those of the rules
VECTORS = pa.schema([("image_id", pa.string()), ("shadow", pa.bool_()), ("vector", pa.binary())])
SALT = "score.shadow"


def image_rules(config: Config) -> RuleSet:
    """Every rule on decoded images, with the parameters (not the limits) of the configuration: all are measured, whether or not they
    are in use, so that `select` can take up any of them."""
    return RuleSet([build(name, chosen) for name, chosen in parameters(config).items()])


def parameters(config: Config) -> dict[str, dict[str, Any]]:
    """The settings of those rules that change what is measured."""
    out = {}
    for name, rule in rules().items():
        if rule.unit == Unit.IMAGE and rule.at == At.SCORE:
            own = config.filters.get(name, {})
            out[name] = {p: own[p] for p in rule.parameters if p in own}
    return out


@dataclass
class Picture:
    """One distinct file of the bucket."""

    sha256: str
    blob: str
    offset: int
    length: int
    rows: list[int]  # of the bucket's successful URLs
    shadow: bool = False  # in the share that models see whatever the gate says
    status: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    death: Death | None = None
    vector: bytes | None = None


@dataclass(frozen=True)
class BucketTables:
    tables: dict[str, pa.Table]
    vectors: pa.Table  # VECTORS: of the pictures that the model saw
    facts: dict[str, Any]


def decode_setup(s: ScoreSettings, target: Target | None) -> DecodeSetup:
    return DecodeSetup(
        s.formats, s.max_pixels, s.max_bytes, s.working_side, s.exact, s.faces, s.gate_min_side, s.gate_max_aspect, target
    )  # fmt: skip


def score_bucket(bucket: str, fetch: Done, config: Config, clip: Any | None) -> BucketTables:
    """All tables of one bucket. What is wrong with one picture becomes a dropped row or a dead letter; a missing blob raises."""
    s = config.score
    found = fetch.read("urls", bucket)
    urls = [r for r in found.to_pylist() if r["status"] == SUCCESS] if found is not None else []
    pictures = distinct(urls, s.shadow_share)
    lists = load_lists(s.hash_lists, s.hash_list_distance)
    target = clip.target if clip is not None else Target(224, 224, "squash") if s.nsfw or s.watermark else None
    _measure(pictures, fetch.root, s, lists, target, clip)
    return _tables(bucket, urls, pictures, config, clip)


def distinct(urls: list[dict[str, Any]], share: float) -> list[Picture]:
    """The distinct files, in the order in which they lie in the blobs."""
    by_sha: dict[str, Picture] = {}
    order = sorted(range(len(urls)), key=lambda i: (urls[i]["blob"], urls[i]["blob_offset"], urls[i]["image_id"]))
    for i in order:
        u = urls[i]
        picture = by_sha.get(u["sha256"])
        if picture is None:
            shadow = fraction_of(u["sha256"], SALT) < share
            picture = by_sha[u["sha256"]] = Picture(u["sha256"], u["blob"], u["blob_offset"], u["bytes"], [], shadow)
        picture.rows.append(i)
    return list(by_sha.values())


def _measure(pictures: list[Picture], root: str, s: ScoreSettings, lists: HashList, target: Target | None, clip: Any | None) -> None:
    limits = GuardLimits(memory_bytes=s.memory_bytes, seconds_per_item=s.seconds)
    waiting: list[tuple[Picture, Any]] = []
    size = clip.batch if clip is not None else 32
    with ExitStack() as files:
        todo = list(_unlisted(pictures, root, lists, files))
        # the bytes stay where they lie until a decoder asks for them
        read = _Reader(root, files)
        flagged = lambda p: (ALWAYS if p.shadow else SEEN) + read(p)  # noqa: E731
        stream = files.enter_context(closing(decoded(todo, flagged, decode_setup(s, target), limits, s.batch, s.decoders)))
        for picture, facts, pixels in stream:
            if isinstance(facts, Death):
                picture.death = facts
                continue
            picture.status, picture.facts = facts["status"], facts
            if picture.status == "ok" and lists.of_pdq(facts["pdq"], facts["pdq_quality"]):
                picture.status = "listed"
            elif pixels is not None:
                waiting.append((picture, pixels))
                if len(waiting) >= size:
                    _encode(waiting, s, clip)
                    waiting = []
        _encode(waiting, s, clip)


class _Reader:
    """Reads pictures out of blobs; one handle per blob and thread-safe by opening on first use under the caller's stack."""

    def __init__(self, root: str, files: ExitStack):
        import threading

        self.root, self.files, self.lock = root, files, threading.Lock()
        self.open: dict[str, Any] = {}

    def __call__(self, p: Picture) -> bytes:
        if not p.length:  # an empty answer has no blob
            return b""
        with self.lock:
            if p.blob not in self.open:
                self.open[p.blob] = self.files.enter_context(storage.open_read(storage.join(self.root, p.blob)))
            f = self.open[p.blob]
            f.seek(p.offset)
            data = f.read(p.length)
        if len(data) != p.length:
            raise OSError(
                f"{self.root}/{p.blob}: {p.length} bytes expected at {p.offset}, {len(data)} found; delete the fetch folder and run again"
            )
        return data


def _unlisted(pictures: list[Picture], root: str, lists: HashList, files: ExitStack) -> Iterator[Picture]:
    read = _Reader(root, files) if lists.md5 else None
    for p in pictures:
        if p.sha256 in lists.sha256 or (read is not None and lists.of_bytes(read(p))):
            p.status = "listed"
        else:
            yield p


def _encode(waiting: list[tuple[Picture, Any]], s: ScoreSettings, clip: Any | None) -> None:
    if not waiting:
        return
    pixels = np.stack([x for _, x in waiting])
    if clip is not None:
        for (picture, _), vector in zip(waiting, clip.images(pixels), strict=True):
            picture.vector = np.ascontiguousarray(vector, "<f4").tobytes()
    for measure, hook in (("nsfw", s.nsfw), ("watermark", s.watermark)):
        if hook:
            for (picture, _), value in zip(waiting, hooks.call(hook, list(pixels)), strict=True):
                picture.facts[measure] = value


def _tables(bucket: str, urls: list[dict[str, Any]], pictures: list[Picture], config: Config, clip: Any | None) -> BucketTables:
    measuring = image_rules(config)
    images: list[dict[str, Any]] = []
    vectors: list[dict[str, Any]] = []
    dead: list[Dead] = []
    listed = 0
    for p in pictures:
        measures = measures_of(p.facts, p.length, measuring) if p.facts and p.status != "listed" else {}
        reason = str(DROPPED.get(p.status, ""))
        for i in p.rows:
            u = urls[i]
            if p.death is not None:
                d = p.death
                kind = d.error if d.kind == "exception" else d.kind
                dead.append(
                    Dead("score", bucket, u["image_id"], u["url"], u["blob"], u["blob_offset"], u["bytes"], kind, d.message, d.trace)
                )
                continue
            listed += p.status == "listed"
            kept = not reason
            images.append(
                {"image_id": u["image_id"], "url": u["url"], "bucket": bucket, "sha256": p.sha256, "format": p.facts.get("format", ""),
                 "pdq": p.facts.get("pdq", "") if kept else "", "phash": p.facts.get("phash", "") if kept else "", "kept": kept,
                 "first_reason": reason, "reasons": [reason] if reason else [], "shadow_reasons": [], **measures}
            )  # fmt: skip
            if kept and p.vector is not None:
                vectors.append({"image_id": u["image_id"], "shadow": not p.facts["gate"], "vector": p.vector})
    images.sort(key=lambda r: r["image_id"])
    vectors.sort(key=lambda r: r["image_id"])
    dead.sort()
    out = {"images": pa.Table.from_pylist(images, tables.wide("images", (*measuring.measures, *EXTRA)))}
    if dead:
        out["dead"] = pa.Table.from_pylist([d._asdict() for d in dead], tables.schema("dead"))
    made = pa.Table.from_pylist(vectors, VECTORS)
    if config.score.embeddings and clip is not None:
        flat = np.frombuffer(b"".join(v["vector"] for v in vectors), "<f4")
        n = len(flat) // max(1, len(vectors))
        lists = pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, n or 1, dtype=np.int32)[: len(vectors) + 1]), pa.array(flat))
        out["embeddings"] = pa.Table.from_arrays([made["image_id"].combine_chunks(), lists], schema=tables.schema("embeddings"))
    facts: dict[str, Any] = {
        "images": {"entered": len(urls), "files": len(pictures), "encoded": len({v["vector"] for v in vectors})},
        "listed": listed,
    }
    if clip is not None:
        facts["clip"] = dict(clip.facts)
    return BucketTables(out, made, facts)


def measures_of(facts: Mapping[str, Any], length: int, measuring: RuleSet) -> dict[str, float]:
    """All measures of one picture, by column."""
    width, height = facts.get("width", 0), facts.get("height", 0)
    item = ImageFacts(
        facts.get("format", ""), width, height, length, facts.get("frames", 0), facts.get("entropy"), facts.get("blankness"),
        facts.get("pdq_quality"), facts.get("nsfw"), facts.get("watermark"),
    )  # fmt: skip
    out = measuring.measure(item)
    if width and height:
        out |= {"image_width": float(width), "image_height": float(height), "image_bytes_per_pixel": round(length / (width * height), 6)}
    if "faces" in facts:
        out["image_faces"] = float(facts["faces"])
    return out
