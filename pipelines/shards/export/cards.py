# ruff: noqa: E501 (sentences for people, one a line)
"""Dataset card and datasheet: the questions people ask of a data set, answered with figures of the run."""

from __future__ import annotations

from pipelines import storage
from pipelines.shards.export.source import manifest_of, new_folder
from pipelines.shards.export.stats import Stats, Sum, agent, collect
from schemas.manifest import RunManifest


def card(manifest: RunManifest, stats: Stats) -> str:
    """The body of README.md (Markdown, without YAML head)."""
    t = stats.total
    counted = "counted" if not manifest.tokenizer.startswith("estimate") else "estimated"
    return "\n".join(
        [
            "",
            f"# {_safe(manifest.name or 'weft')}",
            "",
            "Documents of text and images in the order of their pages, with the original image bytes.",
            "",
            *_table(["documents", "text", f"tokens ({counted}: {manifest.tokenizer})", "images", "image bytes", "captured"],
                    [[_n(t.documents), f"{_n(t.text_bytes)} B", _n(t.text_tokens), _n(t.images), _n(t.image_bytes), f"{t.first[:10]} to {t.last[:10]}"]]),
            "",
            "## Languages",
            "",
            *_sums("language", sorted(stats.languages.items(), key=lambda x: -x[1].documents)[:20], t),
            "",
            "## Largest domains",
            "",
            *_sums("domain", stats.largest()[:20], t),
            "",
            "## What was dropped, and why",
            "",
            *_table(["stage", "kind", "entered", "kept", "dropped for"], _funnel(manifest)),
            "",
            "Reading: `datasets.load_dataset` on this folder, or any WebDataset reader. Each document's JSON holds the parallel lists `texts`",
            "and `images`; an image is the member of that name in the same tar.",
            "",
        ]
    )  # fmt: skip


def datasheet(manifest: RunManifest, stats: Stats) -> str:
    """Datasheet questions (Gebru et al. 2021) with what the run knows; what it cannot know is said to be unknown."""
    t, config = stats.total, manifest.config
    rules = ", ".join(f"`{r}`" for r in config.get("filters", {})) or "none"
    per = t.images / max(1, t.documents)
    optout = manifest.counts.get("extract", {}).get("documents")
    reserved = optout.dropped.get("document.opt_out", 0) if optout else 0
    answers = [
        ("Why was it made, by whom, who paid?", "Unknown to the run: for the publisher to say."),
        ("What is an instance?", f"A web page as an ordered list of texts and images; {per:.1f} images a page on average."),
        ("How many are there?", f"{_n(t.documents)} documents, {_n(t.images)} images in the formats {stats.formats}."),
        ("Is it a sample?", f"Of {', '.join(f'`{_safe(c)}`' for c in sorted(stats.crawls))}: what the rules kept. Inputs: {len(manifest.inputs)} archives."),
        ("Is anything missing?", "Images that could not be fetched or decoded; counted below `fetch` and `score` in the card."),
        ("Are there recommended splits?", ", ".join(f"`{s}`: {n} documents" for s, n in _splits(manifest).items()) + ", by a hash of the document (or domain)."),
        ("Are there errors or redundancies?", f"Near-duplicates were removed by stage dedup: {_reasons(manifest, 'dedup')}."),
        ("Is it self-contained?", "Yes: image bytes are inside. Each document also names its URL and its archive record."),
        ("Does it hold personal data?", "It holds what people published on the web. What stage extract masked is in its tables; faces and names were not searched for."),
        ("Over what time was it collected?", f"Pages captured from {t.first} to {t.last}."),
        ("Were people told, could they refuse?", f"{_n(reserved)} pages were dropped because they reserve their rights; image hosts were asked as `{agent(manifest)}`."),
        ("Which processing was done?", f"Rules: {rules}. Code digests: {manifest.code}."),
        ("Is the raw data kept?", "The archives are; each document gives path, offset and length of its record."),
        ("Who maintains it, how are errors reported?", "Unknown to the run: for the publisher to say. Removals are made with `weft takedown`."),
        ("Are older versions kept?", f"The manifest before the last takedown: {manifest.previous or 'none, there was no takedown'}."),
    ]  # fmt: skip
    return "\n".join(["# Datasheet", "", *(f"**{q}** {a}\n" for q, a in answers)])


def _funnel(manifest: RunManifest) -> list[list[str]]:
    out = []
    for stage, counts in manifest.counts.items():
        for kind, c in sorted(counts.items()):
            reasons = "; ".join(f"{r} {_n(n)}" for r, n in sorted(c.dropped.items(), key=lambda x: -x[1])[:6])
            out.append([stage, kind, _n(c.entered), _n(c.kept), reasons + (f"; dead {_n(c.dead)}" if c.dead else "")])
    return out


def _reasons(manifest: RunManifest, stage: str) -> str:
    c = manifest.counts.get(stage, {}).get("documents")
    return ", ".join(f"{r} {_n(n)}" for r, n in sorted(c.dropped.items())) or "none" if c else "not recorded"


def _splits(manifest: RunManifest) -> dict[str, int]:
    out: dict[str, int] = {}
    for s in manifest.shards:
        out[s.split] = out.get(s.split, 0) + s.documents
    return out


def _sums(what: str, rows: list[tuple[str, Sum]], total: Sum) -> list[str]:
    size = max(1, total.text_bytes + total.image_bytes)
    body = [[_safe(k), _n(s.documents), _n(s.text_tokens), _n(s.images), f"{(s.text_bytes + s.image_bytes) / size:.1%}"] for k, s in rows]
    return _table([what, "documents", "tokens", "images", "share of bytes"], body)


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(r)} |" for r in rows)]


def _safe(text: str) -> str:
    """Text from the web in a Markdown cell: no markup, no line breaks."""
    return "".join(c if c.isalnum() or c in " .-_" else " " for c in text)


def _n(n: int) -> str:
    return f"{n:,}"


def export(run: str, folder: str) -> dict[str, int]:
    """Write README.md (without a loader's head) and DATASHEET.md."""
    new_folder(folder)
    manifest = manifest_of(run)
    stats = collect(run, manifest)
    storage.write_bytes(storage.join(folder, "README.md"), card(manifest, stats).encode())
    storage.write_bytes(storage.join(folder, "DATASHEET.md"), datasheet(manifest, stats).encode())
    return {"documents": stats.total.documents}
