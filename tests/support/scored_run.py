"""Folders of extract, dedup and fetch as those stages leave them, made by hand: demo scenes with right and wrong captions."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pyarrow as pa

from demo.captions import caption
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import make, other
from pipelines.stage import Done, PartWriter
from pipelines.storage import write_bytes
from schemas import tables
from schemas.ids import bucket_of, digest128, image_id
from schemas.manifest import Count, Part, StageManifest
from schemas.rows import Document, Node

UNITS, BUCKETS = ("00000", "00001"), ("0000", "0001", "0002")
ROOT = Path(__file__).parents[2]
FILLER = "The road to the old town was closed for a year, and nobody in the village minded much about it."


class Folder:
    """A finished stage in the making."""

    def __init__(self, root: Path, stage: str, parts: dict[str, tuple[str, ...]]):
        self.writer, self.root, self.stage, self.parts = PartWriter(str(root / stage)), root / stage, stage, parts

    def done(self, counts: dict[str, Count], extra: dict[str, tuple[Part, ...]] | None = None) -> Done:
        found: dict[str, list[Part]] = {k: list(v) for k, v in (extra or {}).items()}
        for group, parts in self.parts.items():
            for part in parts:
                if self.writer.done(group, part):
                    for name, record in self.writer.read_receipt(group, part)["tables"]:
                        found.setdefault(name, []).append(Part(**record))
        manifest = StageManifest(self.stage, f"{self.stage}-digest", {}, {}, "code", self.parts,
                                 {t: tuple(sorted(p)) for t, p in found.items()}, counts)  # fmt: skip
        return Done(str(self.root), manifest)


class Web:
    """Documents with one to three pictures each; `wrong` holds the URLs whose caption tells of another scene."""

    def __init__(self, documents: int = 24):
        self.documents: list[Document] = []
        self.bytes: dict[str, bytes] = {}
        self.wrong: set[str] = set()
        self.status: dict[str, str] = {}
        for i in range(documents):
            nodes: list[Node] = [Node(0, "text", "h1", f"A page about number {i}, and what {i} more people said of it")]
            for k in range(1 + i % 3):
                url = f"http://img{(i + k) % 5}.example/{i}/{k}.jpg"
                scene = make("score-test", i, k, long_side=(200, 420))
                draw = Stream("score-test", i, k)
                wrong = (i + k) % 4 == 0
                said = caption(other(scene, "score-test", i, k) if wrong else scene, "en", draw)
                self.bytes[url] = encode(picture(scene), "jpg")
                self.wrong |= {url} if wrong else set()
                nodes += [
                    Node(0, "text", "p", FILLER),
                    Node(0, "image", "image", url=url, image_id=image_id(url)),
                    Node(0, "text", "caption", said),
                ]
            nodes.append(Node(0, "text", "p", FILLER))
            self._add(i, nodes)

    def _add(self, i: int, nodes: list[Node]) -> None:
        url = f"http://site{i % 7}.example/{i}"
        numbered = tuple(n._replace(index=j) for j, n in enumerate(nodes))
        self.documents.append(
            Document(
                digest128("doc", url), url, url, f"site{i % 7}.example", "", "w", i, 1, "2026-01-01T00:00:00Z", "", "en", 0.99, numbered
            )
        )

    def put(self, data: bytes, where: int = 0, status: str = "success") -> str:
        """One more picture, on its own page with text."""
        i = len(self.documents)
        url = f"http://odd{i % 3}.example/{i}.bin"
        self.bytes[url], self.status[url] = data, status
        self._add(
            i,
            [
                Node(0, "text", "p", FILLER),
                Node(0, "image", "image", url=url, image_id=image_id(url), alt="something"),
                Node(0, "text", "p", FILLER),
            ],
        )
        return url

    def write(self, root: Path, units: tuple[str, ...] = UNITS, reverse: bool = False) -> dict[str, Done]:
        """The three folders; documents are dealt out over the units."""
        extract, dedup = Folder(root, "extract", {"unit": units}), Folder(root, "dedup", {"unit": units})
        n_images = sum(n.kind == "image" for d in self.documents for n in d.nodes)
        n_text = sum(n.kind == "text" for d in self.documents for n in d.nodes)
        for u, unit in enumerate(units):
            own = self.documents[u :: len(units)]
            rows = [{**d._asdict(), "nodes": [n._asdict() for n in d.nodes]} for d in (own[::-1] if reverse else own)]
            extract.writer.commit("unit", unit, {"documents": pa.Table.from_pylist(rows, tables.schema("documents"))})
            decided = [{"doc_id": r["doc_id"], "unit": unit, "row": i, "kept": True, "reason": ""} for i, r in enumerate(rows)]
            dedup.writer.commit("unit", unit, {"decisions": pa.Table.from_pylist(decided, tables.schema("decisions")),
                                               "node_decisions": tables.schema("node_decisions").empty_table()})  # fmt: skip
        counts = {
            "documents": Count(len(self.documents), len(self.documents)),
            "paragraphs": Count(n_text, n_text),
            "images": Count(n_images, n_images),
        }
        return {"extract": extract.done(counts), "dedup": dedup.done(counts), "fetch": self._fetch(root, units)}

    def _fetch(self, root: Path, units: tuple[str, ...]) -> Done:
        fetch = Folder(root, "fetch", {"unit": units, "bucket": BUCKETS})
        blobs = []
        for b, bucket in enumerate(BUCKETS):
            blob, rows = b"", []
            for url, data in sorted(self.bytes.items()):
                host = url.split("/")[2]
                if bucket_of(host, len(BUCKETS)) != b:
                    continue
                status = self.status.get(url, "success")
                ok = status == "success"
                rows.append(self._row(url, host, bucket, status, data if ok else b"", len(blob)))
                blob += data if ok else b""
            name = f"blobs/{bucket}.bin"
            write_bytes(str(root / "fetch" / name), blob)
            blobs.append(Part(name, 1, len(blob), hashlib.sha256(blob).hexdigest()))
            fetch.writer.commit("bucket", bucket, {"urls": pa.Table.from_pylist(rows, tables.schema("urls"))})
        return fetch.done({"image_urls": Count(len(self.bytes), len(self.bytes))}, {"blobs": tuple(blobs)})

    @staticmethod
    def _row(url: str, host: str, bucket: str, status: str, data: bytes, offset: int) -> dict[str, Any]:
        return {"image_id": image_id(url), "url": url, "host": host, "bucket": bucket, "status": status, "bytes": len(data),
                "sha256": hashlib.sha256(data).hexdigest() if data else "", "blob": f"blobs/{bucket}.bin" if data else "", "blob_offset": offset,
                "http_status": 200, "final_url": url}  # fmt: skip


def demo_clip(**more: object) -> dict[str, object]:
    """[score.clip] for the demo's model."""
    folder = ROOT / "demo" / "clip"
    return {"model": "weft-demo-clip", "config_dir": str(folder), "pretrained": str(folder / "weft-demo-clip.safetensors"), **more}
