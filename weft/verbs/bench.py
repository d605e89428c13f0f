"""weft bench [WHAT]: ours beside the peers, in one run, as ratios."""

from __future__ import annotations

import argparse
import importlib
import importlib.util

from weft.console import say
from weft.exits import USAGE, Failure

WHAT = {
    "extract": "pages to nodes, beside trafilatura, resiliparse, readability",
    "chain": "archive to judged documents and to signatures, beside datatrove's chain and trafilatura",
    "dedup": "signatures and clusters, beside datasketch, rensa, datatrove",
    "fetch": "images over loopback, beside a bare loop and img2dataset",
    "audit": "why, what-if and the explorer's pages at a million documents",
    "score": "decoding, measures and CLIP, beside img2dataset's resizer and the bare model",
    "pack": "shards, beside cp and tar",
    "verify": "reading shards back, and injected faults",
    "load": "the trainer's loader, beside webdataset",
    "train": "training steps",
    "pipeline": "the whole run, beside the sum of its parts",
    "growth": "the whole run on 1,000 to 100,000 pages: CPU by stage, memory by kind of process",
    "pii": "recall and precision on a generated labelled set",
    "kept": "the share of pairs that select keeps beside the one asked for: weft bench kept RUN",
    "truth": "a demo run's decisions against the truth: weft bench truth RUN [WEB]",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "what", nargs="?", choices=[*WHAT, []], default=[], metavar="WHAT", help="; ".join(f"{k}: {v}" for k, v in WHAT.items())
    )
    parser.add_argument(
        "rest", nargs="*", help="for kept and truth: the run folder; for truth also the web's folder (default: beside the run)"
    )
    parser.add_argument(
        "--save", action="store_true", help="keep the rows in benchmarks/results/ (in a checkout), for the page Performance"
    )
    parser.add_argument("--json", action="store_true", help="rows of case, ours, peer, unit, ratio, floor_ratio, peak_rss_mb, versions")


def run(args: argparse.Namespace) -> int:
    if args.what == "truth":
        return _truth(args)
    if args.what == "kept":
        if len(args.rest) != 1:
            raise Failure(USAGE, "write `weft bench kept RUN`")
        from benchmarks import kept

        return kept.main(args.rest[0], args.json)
    if args.rest:
        raise Failure(USAGE, f"`weft bench {args.what}` takes no further words, got {args.rest}")
    names = [args.what] if args.what else [w for w in WHAT if w not in ("truth", "kept")]
    worst = 0
    for name in names:
        if importlib.util.find_spec(f"benchmarks.{name}") is None:
            if args.what:
                raise Failure(USAGE, f"there is no benchmark {name!r} yet; there are: {', '.join(available())}")
            continue
        say(f"== {name}: {WHAT[name]}")
        if args.save:
            from benchmarks import results

            say(f"saved {results.save(results.measure(name))}; next: python -m benchmarks.results")
            continue
        worst = max(worst, int(importlib.import_module(f"benchmarks.{name}").main(json=args.json) or 0))
    return worst


def available() -> list[str]:
    return [w for w in WHAT if importlib.util.find_spec(f"benchmarks.{w}") is not None]


def _truth(args: argparse.Namespace) -> int:
    import os

    from benchmarks.truth import main

    if not 1 <= len(args.rest) <= 2:
        raise Failure(USAGE, "write `weft bench truth RUN [WEB]`; `weft demo` leaves both: demo-run/run and demo-run/web")
    run_folder = args.rest[0]
    web = args.rest[1] if len(args.rest) == 2 else os.path.join(os.path.dirname(os.path.abspath(run_folder)), "web")
    return main(run_folder, web, args.json)
