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
    "img2dataset": (
        "img2dataset",
        "list of the fetched URLs; with --resize the pictures, through img2dataset's resizer, as it writes them",
    ),
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
    parser.add_argument("--resize", type=int, default=None, metavar="PIXELS", help="img2dataset: its option image_size")
    parser.add_argument("--resize-mode", default=None, choices=["keep_ratio", "keep_ratio_largest", "center_crop", "border"],
                        help="img2dataset: its option resize_mode (default keep_ratio)")  # fmt: skip
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.shards.export.source import ExportError

    module = importlib.import_module(f"pipelines.shards.export.{FORMATS[args.format][0]}")
    options: dict[str, object] = {}
    if args.url is not None:
        if args.format not in ("hf", "croissant"):
            raise Failure(USAGE, f"--url does not apply to --format {args.format}")
        options["url"] = args.url
    if args.min_score is not None:
        if args.format != "pairs":
            raise Failure(USAGE, f"--min-score does not apply to --format {args.format}")
        options["min_score"] = args.min_score
    if args.resize is not None or args.resize_mode is not None:
        if args.format != "img2dataset" or not args.resize or args.resize < 1:
            raise Failure(USAGE, "--resize PIXELS (and with it --resize-mode) applies to --format img2dataset")
        options["resize"] = args.resize
        if args.resize_mode is not None:
            options["mode"] = args.resize_mode
    try:
        counted = module.export(args.run, args.output, **options)
    except ExportError as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"output": args.output, "format": args.format, "counts": counted})
    else:
        say(f"{args.format}: {args.output} ({sum(counted.values()):,} {'pairs' if args.format == 'pairs' else 'entries'})")
    return DONE
