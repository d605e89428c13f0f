"""weft verify RUN: read every shard and prove that it is what the manifest says."""

from __future__ import annotations

import argparse

from weft.console import clean, count, emit, say, size
from weft.exits import DONE, LIMIT, USAGE, Failure

EPILOG = """\
examples:
  weft verify runs/first                    read everything
  weft verify runs/first --sample 1000      read 1,000 documents; states what that may miss
  weft verify runs/first --key publisher.pem   also check the signature

Exit code 1 if anything is wrong."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--sample", type=int, default=None, metavar="N", help="read only N documents")
    parser.add_argument("--seed", type=int, default=None, help="which documents (default: drawn, and reported)")
    parser.add_argument("--no-tables", action="store_true", help="shards only, not the stages' and audit tables")
    parser.add_argument("--key", default=None, metavar="PEM", help="public key: the manifest must be signed by it")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines import storage
    from pipelines.shards.sign import check_signature
    from pipelines.shards.verify import verify

    if not storage.exists(args.run) and not storage.listing(args.run):
        raise Failure(USAGE, f"no run folder {args.run!r}")
    report = verify(args.run, args.sample, seed=getattr(args, "seed", None), tables=not getattr(args, "no_tables", False))
    if key := getattr(args, "key", None):
        try:
            report.faults += check_signature(args.run, key)
        except (OSError, ValueError) as e:
            raise Failure(USAGE, f"--key {key}: {getattr(e, 'strerror', None) or e}") from e
    if args.json:
        emit(report.as_dict())
    else:
        for f in report.faults:
            print(f"{f.kind:8}  {clean(f.file)}{'  ' + clean(f.where) if f.where else ''}  {clean(f.message)}")
        read = f"{size(report.bytes)} read in {report.seconds:.1f} s"
        say(f"{count(report.shards)} shards, {count(report.documents)} documents, {count(report.images)} images; {read}")
        if s := report.sample:
            say(f"sample of {count(s['documents'])} of {count(s['of'])} documents, seed {s['seed']}. Probability of having missed")
            say(f"a single bad document: {s['miss_one']:.3g}; bad documents that are 1 % of all: {s['miss_1_percent']:.3g}")
        say("nothing wrong" if report.ok else f"{count(len(report.faults))} faults")
    return DONE if report.ok else LIMIT
