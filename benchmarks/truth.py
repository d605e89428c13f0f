"""Precision and recall of a run's decisions against the demo web's truth.

    weft bench truth RUN --web OUT        or        python -m benchmarks.truth RUN OUT [--json]

Every figure comes from the run's own tables (stages/current.json -> manifests -> Parquet) and from `OUT/truth/*.parquet`.
A decision is compared where it was taken: an image that never reached the scorer says nothing about the scorer.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from audit.run import Run, RunError
from benchmarks.truth_tables import Score, Tables, score, score_sets
from demo.web import DemoError, DemoWeb, open_web

DUPLICATE = {
    "url": ("document.duplicate.url", "document.duplicate.record"),
    "exact": ("document.duplicate.text",),
    "near": ("document.duplicate.near",),
}
SMALL = ("image.size.below", "image.rendered_size.below")


def measure(run: Run, web: DemoWeb) -> list[Score]:
    """All scores, in the order of the stages; kinds whose stage has not run are left out."""
    t = Tables(run, web)
    out = [language(t), opt_out_pages(t), *extraction(t), pii(t)]
    if "dedup" in run.stages:
        out += duplicates(t)
    if "fetch" in run.stages:
        out += [fetched(t), opt_out_images(t)]
    if "select" in run.stages:
        out += [small_images(t), wrong_captions(t), image_copies(t)]
    return out


def language(t: Tables) -> Score:
    """Is a page with text dropped for its language exactly if it is not English?"""
    true, decided = set(), set()
    for row, page in t.seen:
        if not page["text"]:
            continue
        key = (page["page"],)
        if page["language"] != "en":
            true.add(key)
        judged = any(r.startswith("document.language") for r in row["reasons"] or ())
        if judged or (row["language"] not in ("en", "", None)):
            decided.add(key)
    return score_sets("language", decided, true)


def opt_out_pages(t: Tables) -> Score:
    """Is a reservation found (and acted on) exactly where a page makes one?"""
    readable = {page["page"] for _, page in t.seen if page["text"]}
    true = {page["page"] for _, page in t.seen if page["reserves"]} & readable
    decided = set()
    for row in t.rows("extract", "optouts"):
        if row["subject"] == "page" and row["acted"]:
            decided |= {page["page"] for page in t.by_doc.get(row["id"], ()) if page["url"] == row["url"]} or {-1}
    decided |= {page["page"] for row, page in t.seen if "document.opt_out" in (row["reasons"] or ())}
    return score_sets("opt_out.page", decided, true)


def extraction(t: Tables) -> list[Score]:
    """Words and images of kept documents against the page's main content; nodes that a rule dropped still count as extracted."""
    words_hit = words_got = words_there = 0
    hits = got = there = 0
    disorder = n = 0
    for row in t.rows("extract", "documents", ["url", "fetched_at", "nodes"]):
        page = t.pages[(row["url"], row["fetched_at"])]
        text = Counter(" ".join([x["text"] or "" for x in row["nodes"]] + [x["caption"] or "" for x in row["nodes"]]).split())
        truth = Counter(page["text"].split())
        words_hit += sum((text & truth).values())
        words_got += sum(text.values())
        words_there += sum(truth.values())
        mine = [x["url"] for x in row["nodes"] if x["kind"] == "image"]
        hits += len(set(mine) & set(page["images"]))
        got += len(set(mine))
        there += len(set(page["images"]))
        order = [page["images"].index(u) for u in mine if u in page["images"]]
        disorder += order != sorted(order)
        n += 1
    note = f"order kept on {n - disorder} of {n} pages"
    return [
        score("extraction.words", words_hit, words_got, words_hit, words_there),
        score("extraction.images", hits, got, hits, there, note),
    ]


def pii(t: Tables) -> Score:
    """Of the planted e-mail and IP addresses on kept pages, how many are gone from the text?"""
    there = gone = 0
    for row in t.rows("extract", "documents", ["url", "fetched_at", "nodes"]):
        page = t.pages[(row["url"], row["fetched_at"])]
        if page["pii"]:
            text = " ".join(x["text"] or "" for x in row["nodes"])
            there += len(page["pii"])
            gone += sum(p["value"] not in text for p in page["pii"])
    return score("pii", gone, gone, gone, there, "recall only")


def duplicates(t: Tables) -> list[Score]:
    """Per kind of duplicate. Right: a dropped document whose named twin repeats the same original. Found: all but one of each cluster."""
    entered: dict[int, int] = Counter()
    dropped: dict[int, int] = Counter()
    hits: dict[str, int] = Counter()
    decided: dict[str, int] = Counter()
    kind_of = {page["cluster"]: page["duplicate"] for page in t.pages.values() if page["duplicate"]}
    for row in t.rows("dedup", "decisions"):
        page = t.documents[(row["unit"], row["row"])]
        entered[page["cluster"]] += 1
        dropped[page["cluster"]] += (row["reason"] or "").startswith("document.duplicate.")
        for kind, reasons in DUPLICATE.items():
            if row["reason"] in reasons:
                decided[kind] += 1
                hits[kind] += any(twin["cluster"] == page["cluster"] for twin in t.by_doc.get(row["duplicate_of"] or "", ()))
    out = []
    for kind in DUPLICATE:
        clusters = [c for c, k in kind_of.items() if k == kind and entered[c] > 1]
        there = sum(entered[c] - 1 for c in clusters)
        found = sum(min(dropped[c], entered[c] - 1) for c in clusters)
        out.append(score(f"duplicate.{kind}", hits[kind], decided[kind], found, there))
    return out


def fetched(t: Tables) -> Score:
    """Does the fetcher come home with exactly the pictures that can be had? (Reservations are scored apart.)"""
    true, decided = set(), set()
    for row in t.rows("fetch", "urls", ["url", "status"]):
        truth = t.by_url.get(row["url"])
        if truth is None or truth["outcome"] == "opt-out":
            continue
        if truth["outcome"] in ("success", "undecodable"):
            true.add(row["url"])
        if row["status"] == "success":
            decided.add(row["url"])
    return score_sets("fetched", decided - _undecodable(t), true - _undecodable(t))


def _undecodable(t: Tables) -> set[str]:
    """Pictures that a fetcher may refuse (wrong media type) or bring home broken: either is right."""
    return {u for u, i in t.by_url.items() if i["outcome"] == "undecodable"}


def opt_out_images(t: Tables) -> Score:
    """Are pictures left alone exactly where their server reserves them (robots.txt, headers, tdmrep.json)?"""
    asked = {row["url"]: row["status"] or "" for row in t.rows("fetch", "urls", ["url", "status"])}
    true = {u for u in asked if u in t.by_url and t.by_url[u]["opt_out"]}
    refused = {u for u, status in asked.items() if any(word in status.lower() for word in ("robots", "opt", "reserv", "tdm"))}
    refused |= {row["url"] for row in t.rows("fetch", "optouts") if row["subject"] == "image" and row["acted"] and row["url"] in asked}
    return score_sets("opt_out.image", refused, true)


def _starts(reasons: Iterable[str] | None, prefixes: tuple[str, ...]) -> bool:
    return any(r.startswith(prefixes) for r in reasons or ())


def small_images(t: Tables) -> Score:
    """Are pictures below 150 pixels a side dropped for their size, by attribute or after decoding, and no others?"""
    judged, decided = set(), set()
    for row in t.rows("extract", "nodes", ["url", "kind", "document_kept", "reasons"]):
        if row["kind"] == "image" and row["document_kept"] and row["url"] in t.by_url and _starts(row["reasons"], SMALL):
            judged.add(row["url"])
            decided.add(row["url"])
    for row in t.rows("score", "images", ["image_id", "url", "format"]):
        if row["url"] in t.by_url and row["format"]:
            judged.add(row["url"])
            decided |= {row["url"]} if _starts(t.reasons_of_image.get(row["image_id"]), SMALL) else set()
    return score_sets("small_image", decided & judged, {u for u in judged if t.by_url[u]["small"]})


def wrong_captions(t: Tables) -> Score:
    """Do pair rules find against a scored image exactly where every text beside it tells of another scene? Every scored image counts, also
    one that an earlier rule drops (a picture that went viral counts on each of its twenty pages). The note says what the figures are
    without those."""
    true, decided, gone = set(), set(), set()
    for row in t.rows("score", "pairs", ["unit", "row", "index", "image_id", "shadow"]):
        page = t.documents.get((row["unit"], row["row"]))
        truth = page and t.image.get((page["url"], page["fetched_at"], t.url_of.get(row["image_id"], "")))
        if not truth or not truth["scene"] or row["shadow"]:
            continue
        key = (row["unit"], row["row"], row["index"])
        if truth["wrong_caption"]:
            true.add(key)
        reasons = t.verdicts.get(key) or []
        if _starts(reasons, ("pair.",)):
            decided.add(key)
        if reasons and not reasons[0].startswith("pair."):
            gone.add(key)
    left = score_sets("wrong_caption", decided - gone, true - gone)
    note = f"{left.precision:.4f}, {left.recall:.4f} without {len(gone)} images gone before" if gone else ""
    return score_sets("wrong_caption", decided, true, note)


def image_copies(t: Tables) -> Score:
    """Are resized, re-encoded copies dropped where a picture has more than `select.copies_max` of them, and no other picture?"""
    limit = _find(t.run.stages["select"].config, "copies_max")
    limit = 10 if limit is None else limit
    places: dict[str, set[Any]] = defaultdict(set)
    decided = set()
    for row in t.rows("score", "placements", ["unit", "row", "index", "image_id", "format"]):
        truth = t.by_url.get(t.url_of.get(row["image_id"], ""))
        if truth is None or not truth["scene"] or not row["format"]:
            continue
        key = (row["unit"], row["row"], row["index"])
        places[truth["scene"]].add(key)
        if "image.duplicate.copies" in (t.verdicts.get(key) or ()):
            decided.add(key)
    large = [s for s, keys in places.items() if len(keys) > limit]
    true = {k for s in large for k in places[s]}
    return score_sets("image_copies", decided, true, f"{len(large)} pictures with more than {limit} copies")


def _find(value: Any, name: str) -> Any:
    """The setting `name` anywhere in nested configuration, or None."""
    if isinstance(value, dict):
        if name in value:
            return value[name]
        for inner in value.values():
            if (found := _find(inner, name)) is not None:
                return found
    return None


def main(run: str, web: str = "", json: bool = False) -> int:
    """Print the table; `web` defaults to the folder `web` beside the run, where `weft demo` puts it. Returns 0 if every kind reaches
    its floor, 1 if one does not, 2 if the run or the web cannot be read."""
    try:
        scores = measure(Run(run), open_web(web or os.path.join(os.path.dirname(os.path.abspath(run)), "web")))
    except (RunError, DemoError) as e:
        print(e, file=sys.stderr)
        return 2
    if json:
        for s in scores:
            print(jsonlib.dumps({**asdict(s), "ok": s.ok}))
    else:
        print(f"{'decision':20} {'precision':>9} {'recall':>7}   floors        right/decided     found/there")
        for s in scores:
            mark = "ok" if s.ok else "MISS"
            print(
                f"{s.kind:20} {s.precision:9.4f} {s.recall:7.4f}   {s.floor_precision:.2f} {s.floor_recall:.2f} {mark:5}"
                f" {s.hits:7}/{s.decided:<9} {s.found:7}/{s.there:<9} {s.note}"
            )
    return 0 if all(s.ok for s in scores) else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("web")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    raise SystemExit(main(a.run, a.web, a.json))
