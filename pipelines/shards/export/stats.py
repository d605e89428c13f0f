"""What the cards say about a run, counted from the published shards: nothing here is prose."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow.parquet as pq

from pipelines import storage
from pipelines.shards.document import loads
from schemas.manifest import RunManifest


@dataclass
class Sum:
    """Totals of one domain, language or crawl."""

    documents: int = 0
    text_bytes: int = 0
    text_tokens: int = 0
    images: int = 0
    image_bytes: int = 0
    first: str = ""  # earliest and latest capture of a page, ISO 8601
    last: str = ""

    def add(self, row: dict[str, int], image_bytes: int, when: str) -> None:
        self.documents += 1
        self.text_bytes += row["text_bytes"]
        self.text_tokens += row["text_tokens"]
        self.images += row["n_images"]
        self.image_bytes += image_bytes
        if when:
            self.first = min(self.first or when, when)
            self.last = max(self.last, when)


@dataclass
class Stats:
    total: Sum = field(default_factory=Sum)
    domains: dict[str, Sum] = field(default_factory=dict)
    languages: dict[str, Sum] = field(default_factory=dict)
    crawls: dict[str, Sum] = field(default_factory=dict)
    formats: dict[str, int] = field(default_factory=dict)

    def largest(self) -> list[tuple[str, Sum]]:
        """Domains by bytes of content, largest first."""
        return sorted(self.domains.items(), key=lambda x: (-x[1].text_bytes - x[1].image_bytes, x[0]))


def agent(manifest: RunManifest) -> str:
    """The user agent that asked for the images."""
    fetch = manifest.config.get("fetch", {})
    return str(fetch.get("agent", "unknown")).replace("{contact}", fetch.get("contact") or "no contact given")


def collect(run: str, manifest: RunManifest) -> Stats:
    """Count over all shards, reading indexes and JSON members only."""
    out = Stats()
    folder = storage.join(run, manifest.shard_folder)
    for entry in manifest.shards:
        with storage.open_read(storage.join(folder, entry.index.path)) as f:
            rows = pq.read_table(f, columns=["members", "text_bytes", "text_tokens", "n_images", "domain", "language"]).to_pylist()
        with storage.open_read(storage.join(folder, entry.tar)) as tar:
            for r in rows:
                head, *images = r["members"]
                tar.seek(head["offset"])
                record = loads(tar.read(head["size"]))
                size = sum(m["size"] for m in images)
                for m in images:
                    kind = m["name"].rsplit(".", 1)[1]
                    out.formats[kind] = out.formats.get(kind, 0) + 1
                groups = [out.total, out.domains.setdefault(r["domain"], Sum()), out.languages.setdefault(r["language"], Sum())]
                groups.append(out.crawls.setdefault(record["crawl"] or "unnamed", Sum()))
                for g in groups:
                    g.add(r, size, record["fetched_at"] or "")
    return out
