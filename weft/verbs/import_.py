"""weft import: data sets made by others as WARC files, which `weft run` reads like a crawl."""

from __future__ import annotations

import argparse
import itertools

from weft.console import count, emit, say
from weft.exits import DONE, USAGE, Failure

FORMATS = ("obelics", "mmc4", "img2dataset")
EPILOG = """\
examples:
  weft import obelics-00000.parquet --format obelics --images pictures/ -o imported
  weft import docs.jsonl.gz --format mmc4 -o imported
  weft import pictures/ --format img2dataset -o imported
  weft run configs/obelics.toml imported -o runs/imported      then, as with any archive"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sources", nargs="+", help="files (img2dataset: folders)")
    parser.add_argument("--format", required=True, choices=FORMATS)
    parser.add_argument("--images", default="", metavar="FOLDER", help="img2dataset's output folder with the pictures")
    parser.add_argument("-o", "--output", required=True, help="empty or new folder")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.shards.import_formats import FORMATS as READERS
    from pipelines.shards.import_formats import ImportDataError
    from pipelines.shards.import_warc import write

    documents = itertools.chain.from_iterable(READERS[args.format](s, args.images) for s in args.sources)
    try:
        counts = write(args.output, documents, args.format)
    except (ImportDataError, ValueError) as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"output": args.output, **counts})
    else:
        with_bytes = f"{count(counts.get('images_with_bytes', 0))} of {count(counts.get('images', 0))} images with their bytes"
        say(f"{count(counts.get('documents', 0))} documents, {with_bytes}, in {count(counts['files'])} files below {args.output}")
        say(f"next:  weft run CONFIG {args.output}")
    return DONE
