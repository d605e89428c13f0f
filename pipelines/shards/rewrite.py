"""Makes a shard again without some documents or images. A pure function of the old shard and the cuts, so every copy comes out equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.document import Member, Picture, loads, members
from pipelines.shards.writer import ShardWriter
from schemas.manifest import ShardEntry
from schemas.shard import PROVENANCE, parse_name, quality_of, tokenizer_of


@dataclass(frozen=True)
class Cut:
    """What goes out of one shard: whole documents, and positions of images in others (in the old numbering)."""

    drop: frozenset[str] = frozenset()
    edit: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.drop or self.edit)


def without(record: dict[str, Any], files: Mapping[str, bytes], positions: frozenset[int]) -> tuple[dict[str, Any], list[Member]] | None:
    """A document without the images at some positions; None if no image is left (or no text): then the whole document goes."""
    pieces: list[str | Picture] = []
    nodes = []
    for i, (text, name) in enumerate(zip(record["texts"], record["images"], strict=True)):
        if i in positions:
            continue
        if name is None:
            pieces.append(text)
        else:
            facts = {k: record[f"image_{k}"][i] for k in ("sha256", "width", "height", "url", "alt", "caption", "clip_score")}
            pieces.append(Picture(files[name], name.rsplit(".", 1)[1], **facts))
        nodes.append(record["node_index"][i])
    if all(isinstance(p, str) for p in pieces) or not any(isinstance(p, str) for p in pieces):
        return None
    return members(record["doc_id"], {n: record[n] for n in PROVENANCE}, pieces, record["quality"], nodes)


def rewrite(source: str, tar: str, index: str, target: str, cut: Cut) -> ShardEntry | None:
    """Write the shard `source/tar` again into `target` without what `cut` names; None if nothing is left. ValueError if the old
    shard is damaged."""
    name = parse_name(tar)
    with storage.open_read(storage.join(source, index)) as f:
        old = pq.read_table(f)
    state = {"tokens": 0}
    with (
        ShardWriter(target, name.split, name.number, quality=quality_of(old.schema)) as writer,
        storage.open_read(storage.join(source, tar)) as f,
    ):
        writer.counted(tokenizer_of(old.schema), lambda _: state["tokens"])  # texts do not change, so their counts are carried over
        written = 0
        for r in old.to_pylist():
            if r["key"] in cut.drop:
                continue
            f.seek(r["byte_offset"])
            data = f.read(r["byte_size"])
            start = r["byte_offset"]
            parts = [Member(m["name"], data[m["offset"] - start : m["offset"] - start + m["size"]]) for m in r["members"]]
            record, rest = loads(parts[0].data), parts
            if r["key"] in cut.edit:
                made = without(record, {p.name: p.data for p in parts[1:]}, cut.edit[r["key"]])
                if made is None:
                    continue
                record, rest = made
            state["tokens"] = r["text_tokens"]
            writer.add(record, rest)
            written += 1
        return writer.close(replaces=name.sha12) if written else None
