"""The data's own ablation: the demo web curated in several ways, each as pages that one fixed trainer reads.

The trainer's rule for pages is the same in every arm: of a page it takes the pictures and the first words of the paragraphs
beside them. Stages of the pipeline that a change does not touch are reused (the run folder is one for all).
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

WORDS = 24  # of each paragraph beside a picture
SAID = ("one", "two", "three", "four", "five", "above", "below", "left", "right",
        "circles", "squares", "triangles", "stars", "crosses", "rings")  # words of captions that must stay whole  # fmt: skip
MERGED = 8  # documents that see one another where the document mask is off


@dataclass(frozen=True)
class Curation:
    """`off`: rules left out, by prefix; `settings`: of the pipeline; `place`: before = the picture stands before the paragraph that
    precedes it on the page, page = where it stands, clip = before the text that CLIP likes best; `mask`: documents apart."""

    key: str
    name: str
    off: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    place: str = "before"
    mask: bool = True
    recipe: tuple[str, ...] = ()


NO_DEDUP = (
    "dedup.url=false", "dedup.text=false", "dedup.near=false", "dedup.paragraph_repeats=0", "dedup.image_url_max=0",
    "dedup.image_in_document=false", "dedup.image_set=false", "select.copies_max=0", "select.copies_in_document=false",
)  # fmt: skip
TEXT = ("paragraph.", "document.word", "document.char", "document.special", "document.stop", "document.flagged",
        "document.punctuation", "document.common", "document.spam")  # fmt: skip
CURATIONS = (
    Curation("curated", "curated"),
    Curation("uncurated", "uncurated", ("url.", "paragraph.", "document.", "image.", "pair."), NO_DEDUP),
    Curation("no-language", "language left out", ("document.language",)),
    Curation("no-text", "text rules left out", TEXT),
    Curation("no-image", "image rules left out", ("image.",)),
    Curation("no-pair", "CLIP limit left out", ("pair.similarity",)),
    Curation("no-dedup", "dedup off", (), NO_DEDUP),
    Curation("clip-60", "CLIP keeps 60 %", ("pair.similarity",), ("select.keep_fraction=0.6",)),
    Curation("clip-30", "CLIP keeps 30 %", ("pair.similarity",), ("select.keep_fraction=0.3",)),
    Curation("page-order", "natural order", place="page"),
    Curation("clip-place", "CLIP placement", place="clip"),
    Curation("no-mask", "document mask off", mask=False),
)


def settings(c: Curation, rules: list[str]) -> list[str]:
    """Overrides of configs/demo.toml."""
    off = [r for r in rules if r.startswith(c.off)] if c.off else []
    return [*(f'filters."{r}".enabled=false' for r in off), *c.settings]


def curate(c: Curation, folder: str, pages: int, seed: int = 0) -> str:
    """Run the pipeline over the demo web under `folder` and write `folder/<key>/pages.jsonl` with its pictures. Returns that folder.

    Raises RuntimeError if the run broke one of its limits.
    """
    out = os.path.join(folder, c.key)
    if os.path.exists(os.path.join(out, "pages.jsonl")):
        return out
    from demo import build
    from demo.server import serve
    from weft.verbs.demo import at_server, demo_config
    from weft.verbs.run import run_config

    web = build(os.path.join(folder, "web"), pages, seed)
    warcs = [str(w) for w in web.warcs]
    config = demo_config(warcs, 1, settings(c, list(demo_config(warcs, 1).filters)))
    run = os.path.join(folder, "run")
    with serve(web) as server, contextlib.redirect_stderr(io.StringIO()) as said:
        code = run_config(at_server(config, server.port), run, quiet=True)
    if code:
        raise RuntimeError(f"the pipeline for {c.name!r} broke a limit: {said.getvalue().strip()[-300:]}")
    write(run, c, out)
    return out


def write(run: str, c: Curation, out: str) -> None:
    """The run's shards as pages; the folder appears whole."""
    part = f"{out}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(os.path.join(part, "pictures"))
    best = placements(run) if c.place == "clip" else {}
    rows = [short(doc, c.place, best) for doc in documents(run, part)]
    rows = [r for r in rows if r["texts"]]
    if not c.mask:
        rows = [merged(rows[i : i + MERGED]) for i in range(0, len(rows), MERGED)]
    with open(os.path.join(part, "pages.jsonl"), "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r, ensure_ascii=False, sort_keys=True) + "\n" for r in rows)
    facts = {"documents": len(rows), "pictures": sum(n is not None for r in rows for n in r["images"]), "dropped": dropped(run)}
    with open(os.path.join(part, "facts.json"), "w", encoding="utf-8") as f:
        json.dump(facts, f, indent=1, sort_keys=True)
    shutil.rmtree(out, ignore_errors=True)
    os.rename(part, out)


def documents(run: str, part: str) -> Iterator[dict[str, Any]]:
    """Documents of the shards; their pictures are written under `part`."""
    from trainer.index import read_bytes, read_index, read_json

    for entry in read_index(run).entries:
        data = read_bytes(entry)
        doc = read_json(entry, data)
        places = {name: (at, size) for name, at, size in entry.members}
        for i, name in enumerate(doc["images"]):
            if name is None:
                continue
            at, size = places[name]
            doc["images"][i] = f"pictures/{name}"
            with open(os.path.join(part, "pictures", name), "wb") as f:
                f.write(data[at : at + size])
        yield doc


def placements(run: str) -> dict[tuple[str, int], int]:
    """(document, image node) -> the text node beside it that CLIP likes best (its own alternative text is no node)."""
    import pyarrow.dataset as ds

    rows = ds.dataset(os.path.join(run, "audit", "pairs")).to_table(columns=["doc_id", "index", "texts"]).to_pylist()
    out = {}
    for r in rows:
        others = [t for t in r["texts"] or () if t["index"] != r["index"] and t["similarity"] is not None]
        if others:
            out[r["doc_id"], r["index"]] = max(others, key=lambda t: (t["similarity"], -t["index"]))["index"]
    return out


def short(doc: dict[str, Any], place: str, best: dict[tuple[str, int], int]) -> dict[str, Any]:
    """Pictures and the first words of their neighbours, in the order that `place` asks for."""
    texts, images = doc["texts"], doc["images"]
    is_text = [i for i, t in enumerate(texts) if t]
    order: list[tuple[float, int]] = []
    for i in (i for i, name in enumerate(images) if name is not None):
        near = [
            j for j in (max((j for j in is_text if j < i), default=None), min((j for j in is_text if j > i), default=None)) if j is not None
        ]
        at = float(i)
        if place == "before" and near and near[0] < i:
            at = near[0] - 0.5
        elif place == "clip":
            to = best.get((doc["doc_id"], doc["node_index"][i]))
            j = doc["node_index"].index(to) if to in doc["node_index"] else None
            if j is not None and texts[j]:
                at, near = j - 0.5, sorted({*near, j})
        order += [(at, i), *((float(j), j) for j in near)]
    nodes = [i for _, i in sorted(set(order))]
    return {
        "texts": [" ".join(texts[i].split()[:WORDS]) if texts[i] else None for i in nodes],
        "images": [images[i] for i in nodes],
        "image_width": [doc["image_width"][i] for i in nodes],
        "image_height": [doc["image_height"][i] for i in nodes],
    }  # fmt: skip


def merged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Several documents as one: nothing keeps them from seeing one another."""
    return {k: [x for r in rows for x in r[k]] for k in rows[0]}


def dropped(run: str) -> dict[str, int]:
    """Nodes and documents dropped, by first reason."""
    import pyarrow.dataset as ds

    out: dict[str, int] = {}
    table = ds.dataset(os.path.join(run, "audit", "rollups")).to_table(columns=["measure", "reason", "kept", "n"]).to_pylist()
    for r in table:
        if not r["measure"] and r["kept"] is False and r["reason"]:
            out[r["reason"]] = out.get(r["reason"], 0) + r["n"]
    return dict(sorted(out.items()))
