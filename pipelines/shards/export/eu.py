"""Figures for the public summary of training content that Article 53(1)(d) of the EU AI Act asks of model providers.

The Commission's template has three parts: general information, list of sources, processing. What a run can prove is filled in; what
only the provider knows is null and listed in `for_the_provider`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

from pipelines import storage
from pipelines.shards.export.source import manifest_of, new_folder
from pipelines.shards.export.stats import Stats, Sum, agent, collect
from schemas.manifest import RunManifest

TOP_SHARE = 0.10  # of the domains, by size of content
PROVIDER = (
    "provider_name",
    "authorised_representative",
    "model_names",
    "placing_on_the_market",
    "other_sources",
    "user_data",
    "synthetic_data",
)


def summary(manifest: RunManifest, stats: Stats) -> dict[str, Any]:
    """The summary as a dict: totals, crawl period, agents, most relevant domains, processing."""
    ranked = stats.largest()
    top = ranked[: math.ceil(len(ranked) * TOP_SHARE)]
    dropped = {s: {k: {"dropped": c.dropped, "dead": c.dead} for k, c in counts.items()} for s, counts in manifest.counts.items()}
    fetch = manifest.config.get("fetch", {})
    return {
        "general": {
            "modalities": {
                "text": {"bytes": stats.total.text_bytes, "tokens": stats.total.text_tokens, "tokens_counted_by": manifest.tokenizer},
                "image": {"bytes": stats.total.image_bytes, "files": stats.total.images, "formats": stats.formats},
            },
            "documents": stats.total.documents,
            "languages": {k: _figures(v) for k, v in sorted(stats.languages.items())},
            "latest_capture": stats.total.last,
        },
        "sources": {
            "crawled": [
                {"crawl": k, "from": v.first, "to": v.last, "agent": _agent(k), **_figures(v)} for k, v in sorted(stats.crawls.items())
            ],
            "images_fetched_by": {"agent": agent(manifest), "settings": fetch},
            "domains": len(ranked),
            "most_relevant_domains": [{"domain": d, **_figures(v)} for d, v in top],
            "all_domains_in": "domains.csv",
        },
        "processing": {
            "rights_reserved": {"extract": manifest.config.get("extract", {}), "fetch": fetch},
            "filters": manifest.config.get("filters", {}),
            "removed": dropped,
            "taken_down": manifest.previous,
        },
        "for_the_provider": {name: None for name in PROVIDER},
        "run": {"name": manifest.name, "stages": manifest.stages, "code": manifest.code, "models": manifest.models},
    }  # fmt: skip


def _figures(s: Sum) -> dict[str, Any]:
    return {
        "documents": s.documents,
        "text_bytes": s.text_bytes,
        "text_tokens": s.text_tokens,
        "images": s.images,
        "image_bytes": s.image_bytes,
    }


def _agent(crawl: str) -> str | None:
    """Who made a crawl, where its name says so."""
    return "CCBot (Common Crawl)" if crawl.startswith("CC-") else None


def domains_csv(stats: Stats) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["domain", "documents", "text_bytes", "text_tokens", "images", "image_bytes", "first_capture", "last_capture"])
    for d, s in stats.largest():
        writer.writerow([d, s.documents, s.text_bytes, s.text_tokens, s.images, s.image_bytes, s.first, s.last])
    return out.getvalue()


def export(run: str, folder: str) -> dict[str, int]:
    """Write eu-summary.json and domains.csv."""
    new_folder(folder)
    manifest = manifest_of(run)
    stats = collect(run, manifest)
    text = json.dumps(summary(manifest, stats), indent=1, ensure_ascii=False)
    storage.write_bytes(storage.join(folder, "eu-summary.json"), text.encode())
    storage.write_bytes(storage.join(folder, "domains.csv"), domains_csv(stats).encode())
    return {"domains": len(stats.domains)}
