"""weft takedown RUN LIST: take URLs, domains or images out of published shards."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from weft.console import clean, count, emit, say
from weft.exits import DONE, LIMIT, USAGE, Failure

EPILOG = """\
A list holds one target a line: a URL (of a page or an image), a domain, sha256:<hex> or pdq:<hex>; # starts a comment.

examples:
  weft takedown runs/first requests.txt
  weft takedown copy-of-shards --patch runs/first/takedown/patch-00001.json    bring a copy up to date"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder (with --patch: a folder of shards)")
    parser.add_argument("list", nargs="?", default=None, help="file with what to take out")
    parser.add_argument("--patch", default=None, metavar="FILE", help="apply a takedown made elsewhere to this copy")
    parser.add_argument("--reason", default="", help="noted in the log")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.shards.takedown import takedown
    from pipelines.shards.takedown_list import ListError, parse
    from pipelines.shards.takedown_record import apply_patch
    from schemas import layout

    if (args.list is None) == (args.patch is None):
        raise Failure(USAGE, "give a list, or --patch with a patch file")
    if args.patch is not None:
        changed = apply_patch(args.run, json.loads(Path(args.patch).read_text(encoding="utf-8")))
        if args.json:
            emit({"shards": changed})
        else:
            say(f"{count(len(changed))} shards changed")
        return DONE
    try:
        targets = parse(Path(args.list).read_text(encoding="utf-8"), args.list)
    except ListError as e:
        raise Failure(USAGE, str(e)) from e
    done = takedown(args.run, targets, args.reason)
    report = os.path.join(args.run, layout.REPORT)
    if os.path.exists(report):  # it quotes pages and counts domains
        from audit.report import write_report

        write_report(args.run)
    proof = done["proof"]
    if args.json:
        emit(done)
    else:
        rewritten, untouched = len(done["shards_rewritten"]), done["shards_untouched"]
        say(f"{count(done['documents'])} documents and {count(done['images'])} images taken out")
        say(f"{count(rewritten)} shards written again, {count(untouched)} untouched")
        if done["superseded_removed"]:
            say(f"{count(len(done['superseded_removed']))} folders of superseded stages removed: {', '.join(done['superseded_removed'])}")
        say(f"searched {count(proof['files'])} files afterwards: {count(len(proof['hits']))} hits")
        for hit in proof["hits"]:
            print(clean(hit))
    return LIMIT if proof["hits"] else DONE
