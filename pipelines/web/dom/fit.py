"""Fit the judge of blocks: `python -m pipelines.web.dom.fit DATA [--trees N] [--folds K] [--write]`.

DATA is a folder with `real_dev.warc.gz` and `groundtruth_dev.jsonl.gz` (pages, and per page its expected text). A block's target is
the share of its words that the expected text holds in the same order (4-grams; shorter blocks whole); its weight is its share of the
expected words, because that is what it moves in the page's F1. Sites are divided into K folds; the second look is fitted on the first
look's chances for sites it has not seen, and chances for unseen sites are what is reported.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import hashlib
import json
import re
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from pipelines.web import page
from pipelines.web.dom import boost, context, features, model

_WORD = re.compile(r"\w+")
GRAM = 4
LIGHT = 0.02  # weight below which a block is drawn with a probability, not kept: a third of the work for the same model
SHAPE = {"share": 0.1, "sample": 0.5, "l2": 10.0}
DEPTHS = (6, 5)  # of the first look and the second
BOTH = features.NAMES + context.NAMES
SNIPPET = 0.12  # weight of a with/without snippet: such a page has about eight
EMPHASIS = {"article-extraction-benchmark": 1.6, "readability": 1.6, "dragnet": 1.3}  # the small sets, beside wcxb's 264 pages


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def targets(texts: list[str], truth: str) -> tuple[Any, int]:
    """For each block the share of its words that `truth` holds in order, and the number of words of `truth`."""
    expected = words(truth)
    grams = {tuple(expected[i : i + n]) for n in range(1, GRAM + 1) for i in range(len(expected) - n + 1)}
    lines = {tuple(words(line)) for line in truth.split("\n")}
    out = np.zeros(len(texts), np.float32)
    for b, text in enumerate(texts):
        w = words(text)
        if len(w) <= 2:
            out[b] = 1.0 if tuple(w) in lines else 0.5 * (tuple(w) in grams)
            continue
        n = min(GRAM, len(w))
        held = [False] * len(w)
        for i in range(len(w) - n + 1):
            if tuple(w[i : i + n]) in grams:
                held[i : i + n] = [True] * n
        out[b] = sum(held) / len(w)
    return out, len(expected)


def example(html: bytes, url: str, truth: dict[str, Any], folds: int) -> dict[str, Any] | None:
    """One page as features, targets and weights."""
    tree, about, _ = page.look(html, url, page.Limits())
    if tree is None or about is None or not tree.n:
        return None
    measured = page.measure(tree, about, url)
    texts = tree.texts
    size = np.array([len(words(s)) for s in texts], np.float32)
    y, w = np.zeros_like(size), np.zeros_like(size)
    if truth["kind"] == "trafilatura-segments":
        for kind in ("with", "without"):
            for snippet in truth.get(kind) or []:
                hits = [i for i, s in enumerate(texts) if snippet in s]
                if len(hits) <= 3:
                    y[hits] = kind == "with"
                    w[hits] = SNIPPET / max(1, len(hits))
    elif truth.get("expected_text") and truth["kind"] != "recipe-scrapers":
        y, total = targets(texts, truth["expected_text"])
        w = np.minimum(1, size / max(1, total)) * EMPHASIS.get(truth["kind"], 1.0)
    else:
        return None
    site = ".".join((urlsplit(url).hostname or url).split(".")[-2:])
    fold = int(hashlib.md5(site.encode(), usedforsecurity=False).hexdigest(), 16) % folds
    return {"url": url, "truth": truth, "texts": texts, "measured": measured, "y": y, "w": w, "size": size, "fold": fold}


def read(data: Path, folds: int) -> list[dict[str, Any]]:
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with gzip.open(data / "groundtruth_dev.jsonl.gz", "rt", encoding="utf-8") as f:
        truth = {g["uri"]: g for g in map(json.loads, f)}
    out = []
    with open(data / "real_dev.warc.gz", "rb") as f:
        for record in ArchiveIterator(f, record_types=WarcRecordType.response, parse_http=True):
            url = record.headers["WARC-Target-URI"]
            if url in truth and (e := example(record.reader.read(), url, truth[url], folds)):
                out.append(e)
    return out


def fitted(examples: list[dict[str, Any]], names: Sequence[str], trees: int, depth: int, seed: int) -> boost.Trees:
    """A model of the first `len(names)` features, placed for the whole matrix. Light blocks are drawn in proportion to their weight."""
    rng = np.random.default_rng(seed)
    drawn = [rng.random(len(e["w"])) < e["w"] / LIGHT for e in examples]
    x = np.concatenate([e["measured"].x[: len(names), d] for e, d in zip(examples, drawn, strict=True)], axis=1)
    y, w = (np.concatenate([e[k][d] for e, d in zip(examples, drawn, strict=True)]) for k in "yw")
    m = boost.fit(x, y, np.maximum(w, LIGHT), names, trees=trees, depth=depth, seed=seed, rate=min(0.12, 20 / trees), **SHAPE)
    return m.placed(BOTH)


def unseen(examples: list[dict[str, Any]], names: Sequence[str], out: str, trees: int, depth: int, folds: int) -> None:
    """Chances for each page from a model fitted on the other folds' sites."""
    for k in range(folds):
        m = fitted([e for e in examples if e["fold"] != k], names, trees, depth, k)
        for e in examples:
            if e["fold"] == k:
                e[out] = model.logistic(m.log_odds(e["measured"].x))


def report(examples: list[dict[str, Any]], chance: str) -> dict[str, float]:
    """Mean F1 of words by kind of truth (and of segments) when the blocks are chosen by `chance`."""
    found: dict[str, list[float]] = collections.defaultdict(list)
    hit = missed = wrong = 0
    for e in examples:
        keep = e["measured"].once(model.choose(e[chance], e["size"]))
        text = "\n\n".join(s for s, k in zip(e["texts"], keep, strict=True) if k)
        g = e["truth"]
        if g["kind"] == "trafilatura-segments":
            hit += sum(s in text for s in g.get("with") or [])
            missed += sum(s not in text for s in g.get("with") or [])
            wrong += sum(s in text for s in g.get("without") or [])
            continue
        a, b = collections.Counter(words(text)), collections.Counter(words(g["expected_text"]))
        f1 = 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))
        found[g["kind"]].append(f1)
        if g.get("page_type"):
            found["wcxb " + g["page_type"]].append(f1)
    out = {k: round(statistics.mean(v), 4) for k, v in sorted(found.items())}
    return out | {"segments": round(2 * hit / max(1, 2 * hit + missed + wrong), 4)}


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("data", type=Path)
    ap.add_argument("--trees", type=int, default=100)
    ap.add_argument("--folds", type=int, default=5)
    ap.add_argument("--write", action="store_true", help="write model.json, fitted on all pages")
    a = ap.parse_args()
    examples = read(a.data, a.folds)
    unseen(examples, features.NAMES, "first", a.trees, DEPTHS[0], a.folds)
    print("first look, unseen sites ", json.dumps(report(examples, "first")), flush=True)
    for e in examples:
        e["measured"].look_around(e["first"])
    if a.write:
        tables = {
            "first": fitted(examples, features.NAMES, a.trees, DEPTHS[0], 0).only_used(),
            "second": fitted(examples, BOTH, a.trees, DEPTHS[1], 0).only_used(),
        }
        data = {name: boost.dump(m) for name, m in tables.items()}
        Path(__file__).with_name("model.json").write_text(json.dumps(data, separators=(",", ":")) + "\n", "utf-8")
    unseen(examples, BOTH, "second", a.trees, DEPTHS[1], a.folds)
    print("second look, unseen sites", json.dumps(report(examples, "second")), flush=True)
    for e in examples:
        e["both"] = (e["first"] + e["second"]) / 2
    print("both, unseen sites       ", json.dumps(report(examples, "both")), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
