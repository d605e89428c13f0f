"""weft export RUN --format NAME: a run in another project's format."""

from __future__ import annotations

import argparse
import importlib

from weft.console import emit, say
from weft.exits import DONE, USAGE, Failure

FORMATS = {  # name -> (module below pipelines.shards.export, what it is)
    "hf": ("hf", "folder for the Hugging Face Hub: shards, card, audit tables, croissant.json"),
    "hf-parquet": ("parquet", "Parquet with texts and image bytes, for load_dataset"),
    "mmc4": ("mmc4", "MMC4's JSON with images inside, for OpenFlamingo"),
    "m4": ("m4", "tars that m4 (the loader of OBELICS) reads too"),
    "pairs": ("pairs", "image-text pairs for open_clip"),
    "img2dataset": ("img2dataset", "list of the fetched URLs, for img2dataset to fetch or resize"),
    "npy": ("embeddings", "image vectors as one array (score.embeddings), with the image of each row"),
    "croissant": ("croissant", "Croissant 1.1 with RAI fields"),
    "card": ("cards", "dataset card and datasheet"),
    "eu-summary": ("eu", "figures for the EU's summary of training content"),
}
EPILOG = "formats:\n" + "\n".join(f"  {name.ljust(11)} {text}" for name, (_, text) in FORMATS.items())


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--format", required=True, choices=list(FORMATS), metavar="NAME", help=", ".join(FORMATS))
    parser.add_argument("-o", "--output", required=True, help="empty or new folder")
    parser.add_argument("--url", default=None, help="where the data set will be published (hf, croissant)")
    parser.add_argument("--min-score", type=float, default=None, help="pairs: least CLIP similarity")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.shards.export.source import ExportError

    module = importlib.import_module(f"pipelines.shards.export.{FORMATS[args.format][0]}")
    options = {}
    if args.url is not None:
        if args.format not in ("hf", "croissant"):
            raise Failure(USAGE, f"--url does not apply to --format {args.format}")
        options["url"] = args.url
    if args.min_score is not None:
        if args.format != "pairs":
            raise Failure(USAGE, f"--min-score does not apply to --format {args.format}")
        options["min_score"] = args.min_score
    try:
        counted = module.export(args.run, args.output, **options)
    except ExportError as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"output": args.output, "format": args.format, "counts": counted})
    else:
        say(f"{args.format}: {args.output} ({sum(counted.values()):,} {'pairs' if args.format == 'pairs' else 'entries'})")
    return DONE
