"""Builds the folders of the stages before `pack` from a few documents, with real pictures, through the real schemas."""

from __future__ import annotations

import hashlib
import io
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from pipelines import storage
from pipelines.settings.config import Config, dump
from pipelines.stage import Done
from schemas import layout
from schemas.ids import bucket_of, doc_id, image_id
from schemas.manifest import Count, Part, StageManifest, digest_of, dumps
from schemas.rows import IMAGE, TEXT, Document, Node
from schemas.tables import schema, wide

FORMATS = ("jpeg", "png", "webp", "gif")
WORDS = "the weft thread runs over and under each warp end and carries its colour across the cloth".split()
BUCKETS = 2


def picture(seed: int, kind: str = "") -> bytes:
    """A small picture with content of its own."""
    rng = random.Random(seed)
    kind = kind or rng.choice(FORMATS)
    noise = Image.frombytes("RGB", (8, 8), rng.randbytes(192)).resize(
        (rng.randrange(160, 260), rng.randrange(160, 240)), Image.Resampling.BICUBIC
    )
    out = io.BytesIO()
    noise.save(out, kind.upper())
    return out.getvalue()


@dataclass
class FakeRun:
    """A run folder up to `select`, built from what `add` was told."""

    root: str
    seed: int = 0
    units: int = 2
    validation: float = 0.2
    documents: list[list[tuple[Document, str]]] = field(default_factory=list)  # per unit: document, split ("" = dropped by select)
    images: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # image_id -> url, bytes

    def fill(self, n: int, images: int = 3) -> FakeRun:
        """n documents of text and pictures in changing order; some nodes and some documents are dropped."""
        rng = random.Random(self.seed)
        self.documents = [[] for _ in range(self.units)]
        for i in range(n):
            url = f"https://site{i % 7}.example/page/{self.seed}/{i}"
            nodes: list[Node] = []
            for _ in range(rng.randrange(2, 2 + 2 * images)):
                at = len(nodes)
                if rng.random() < 0.5:
                    text = " ".join(rng.choice(WORDS) for _ in range(rng.randrange(5, 60))) + rng.choice(["", " é", " 漢字", ' "q"\n'])
                    nodes.append(Node(at, TEXT, text=text, reason="" if rng.random() < 0.9 else "paragraph.word_count.below"))
                else:
                    src = f"https://img{i % 5}.example/{self.seed}/{rng.randrange(n)}"
                    key = image_id(src)
                    if key not in self.images:
                        self.images[key] = (src, picture(rng.randrange(1 << 30)))
                    dropped = "" if rng.random() < 0.85 else "image.size.below"
                    nodes.append(Node(at, IMAGE, url=src, alt=f"alt {at}", caption="", image_id=key, reason=dropped))
            nodes.append(Node(len(nodes), TEXT, role="end"))
            first = f"https://img0.example/{self.seed}/always"
            self.images.setdefault(image_id(first), (first, picture(self.seed, "jpeg")))
            nodes.insert(0, Node(-1, IMAGE, url=first, alt='say "hi"', caption="a caption", image_id=image_id(first)))
            nodes.insert(1, Node(-1, TEXT, text=f"Document {i}."))
            when = f"2024-05-{1 + i % 28:02d}T00:00:00Z"
            document = Document(
                doc_id(url, "CC-TEST", when), url, url, f"site{i % 7}.example", "CC-TEST", "a.warc.gz",
                1000 * i, 900, when, f"Title {i}", "en", 0.99, tuple(x._replace(index=k) for k, x in enumerate(nodes)),
            )  # fmt: skip
            split = "val" if rng.random() < self.validation else "train"
            self.documents[i % self.units].append((document, split if rng.random() < 0.9 else ""))
        return self

    def write(self, config: Config | None = None) -> dict[str, Done]:
        """Write the five stages and the run's config and `current.json`; a Done for each."""
        config = config or Config()
        storage.write_bytes(storage.join(self.root, layout.CONFIG), dump(config).encode())
        units = tuple(f"{u:05d}" for u in range(self.units))
        tables: dict[str, dict[str, dict[str, pa.Table]]] = {s: {} for s in layout.STAGES[:5]}
        for u, name in enumerate(units):
            self._unit(u, name, tables)
        buckets = tuple(f"{b:05d}" for b in range(BUCKETS))
        blobs = {}
        for b in buckets:
            blobs[f"blobs/{b}.bin"] = self._bucket(b, tables)
        done = {}
        for stage, parts in tables.items():
            groups = {"bucket": buckets} if stage == "fetch" else {"unit": units}
            if stage == "score":
                groups["bucket"] = buckets
            done[stage] = self._stage(stage, parts, groups, blobs if stage == "fetch" else {})
        self.current(done)
        return done

    def current(self, done: dict[str, Done]) -> None:
        value = {n: d.manifest.digest for n, d in done.items()}
        storage.write_bytes(storage.join(self.root, layout.STAGE_DIR, layout.CURRENT), json.dumps(value).encode())

    def kept(self) -> list[tuple[Document, str]]:
        return [(d, s) for unit in self.documents for d, s in unit if s]

    def _unit(self, u: int, unit: str, tables: Any) -> None:
        rows = self.documents[u]
        base = [{**d._asdict(), "nodes": [n._asdict() for n in d.nodes]} for d, _ in rows]
        tables["extract"].setdefault("documents", {})[unit] = pa.Table.from_pylist(base, schema("documents"))
        measured = [
            {**d._asdict(), "unit": unit, "record": i, "row": i, "text_bytes": sum(len(n.text) for n in d.nodes),
             "kept": True, "first_reason": "",
             "reasons": [], "shadow_reasons": [], "doc_quality": 0.25 + i / 1000, "doc_words": float(len(d.nodes))}
            for i, (d, _) in enumerate(rows)
        ]  # fmt: skip
        tables["extract"].setdefault("document_measures", {})[unit] = pa.Table.from_pylist(
            measured, wide("document_measures", ["doc_quality", "doc_words"])
        )
        seen = [
            {"doc_id": d.doc_id, "unit": unit, "record": i, **{k: getattr(n, k) for k in ("index", "kind", "role", "image_id", "url")},
             "document_kept": True, "kept": not n.reason, "first_reason": n.reason}
            for i, (d, _) in enumerate(rows) for n in d.nodes
        ]  # fmt: skip
        tables["extract"].setdefault("nodes", {})[unit] = pa.Table.from_pylist(seen, wide("nodes", []))
        where = [{"doc_id": d.doc_id, "unit": unit, "row": i} for i, (d, _) in enumerate(rows)]
        decided = [{**w, "kept": True, "reason": "", "duplicate_of": "", "similarity": None, "cluster": ""} for w in where]
        tables["dedup"].setdefault("decisions", {})[unit] = pa.Table.from_pylist(decided, schema("decisions"))
        selected, nodes, pairs = [], [], []
        for w, (d, split) in zip(where, rows, strict=True):
            alive = [n for n in d.nodes if not n.reason and n.role != "end"]
            texts = sum(n.kind == TEXT for n in alive)
            reason = "" if split else "document.empty.no_image"
            selected.append(
                {**w, "kept": bool(split), "reason": reason, "reasons": [], "split": split, "n_text": texts, "n_images": len(alive) - texts}
            )
            nodes += [{**w, "index": n.index, "kind": n.kind, "image_id": n.image_id, "kept": True, "reason": ""} for n in alive]
            pairs += [
                {**w, "index": n.index, "image_id": n.image_id, "kept": True, "pair_similarity": round(0.1 + n.index / 50, 4)}
                for n in alive if n.kind == IMAGE and n.index % 5
            ]  # fmt: skip
        tables["select"].setdefault("selected", {})[unit] = pa.Table.from_pylist(selected, schema("selected"))
        tables["select"].setdefault("node_decisions", {})[unit] = pa.Table.from_pylist(nodes, schema("node_decisions"))
        tables["score"].setdefault("pairs", {})[unit] = pa.Table.from_pylist(pairs, wide("pairs", ["pair_similarity"]))

    def _bucket(self, bucket: str, tables: Any) -> bytes:
        from pipelines.images.header import read

        blob, urls, images = b"", [], []
        for key, (url, data) in sorted(self.images.items()):
            if bucket_of(key, BUCKETS) != int(bucket):
                continue
            sha = hashlib.sha256(data).hexdigest()
            urls.append(
                {"image_id": key, "url": url, "host": url.split("/")[2], "bucket": bucket, "status": "success",
                 "http_status": 200,
                 "bytes": len(data), "sha256": sha, "blob": f"blobs/{bucket}.bin", "blob_offset": len(blob),
                 "fetched_at": "2024-06-01T00:00:00Z"}
            )  # fmt: skip
            images.append(
                {"image_id": key, "url": url, "bucket": bucket, "sha256": sha, "format": read(data).format, "pdq": pdq(data), "kept": True}
            )
            blob += data
        tables["fetch"].setdefault("urls", {})[bucket] = pa.Table.from_pylist(urls, schema("urls"))
        tables["score"].setdefault("images", {})[bucket] = pa.Table.from_pylist(images, schema("images"))
        return blob

    def _stage(self, stage: str, tables: Any, groups: dict[str, tuple[str, ...]], files: dict[str, bytes]) -> Done:
        digest = digest_of([stage, self.seed, self.units, len(self.images)])
        root = storage.join(self.root, layout.stage_dir(stage, digest))
        written: dict[str, tuple[Part, ...]] = {}
        for name, parts in tables.items():
            written[name] = tuple(storage.write_table(root, layout.table_file(name, p), t) for p, t in parts.items() if t.num_rows)
        for name, data in files.items():
            storage.write_bytes(storage.join(root, name), data)
        if files:
            written["blobs"] = tuple(Part(name, 0, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items())
        n = sum(len(u) for u in self.documents)
        counts = {"documents": Count(n, n)}
        manifest = StageManifest(stage, digest, {}, {}, "0" * 16, groups, written, counts, {})
        storage.write_bytes(storage.join(root, layout.STAGE_MANIFEST), dumps(manifest))
        return Done(root, manifest)


def pdq(data: bytes) -> str:
    import numpy as np
    import pdqhash

    bits, _ = pdqhash.compute(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    return np.packbits(bits).tobytes().hex()


def small(**pack: Any) -> Config:
    """A configuration with shards small enough for a test and one worker."""
    return Config.model_validate({"runner": {"workers": 1}, "pack": {"shard_bytes": 150_000, **pack}})


def packed(root: Path | str, n: int = 40, seed: int = 0, **pack: Any) -> tuple[FakeRun, Done]:
    """A fake run with stage pack really run over it."""
    from pipelines.stage import execute
    from pipelines.stages.pack import PackStage

    run = FakeRun(str(root), seed).fill(n)
    config = small(**pack)
    inputs = run.write(config)
    done = execute(PackStage(), str(root), config, inputs).done
    run.current({**inputs, "pack": done})
    return run, done
