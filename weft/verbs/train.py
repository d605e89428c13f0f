"""weft train RECIPE: train a vision-language model on shards; `weft train why` names the documents of a past step."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from weft.console import emit, say
from weft.exits import DONE, ENVIRONMENT, LIMIT, PARTIAL, USAGE, Failure

EPILOG = """\
examples:
  weft train configs/recipes/tiny-cpu.toml --set data.shards=RUN --set run.out=OUT
  weft train why OUT --step 120                the documents of that step
  weft train export OUT HF_FOLDER              newest checkpoint as a folder that transformers reads
  weft train sft ROWS ... --images DIR --to FILE --evaluation mmmu.txt mmmu.pdq    conversations without what an evaluation set holds
  torchrun --nproc-per-node 8 -m weft.main train RECIPE

Run the same command again and it goes on from the newest checkpoint. Exit code 3: stopped by a signal, saved."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="+", help="a recipe; or `why OUT`; or `export OUT FOLDER`; or `sft FILE ...`")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting")
    parser.add_argument("--step", type=int, default=None, help="why: which step, from 1")
    parser.add_argument("--images", help="sft: folder of the pictures (those inside .parquet files are written there)")
    parser.add_argument("--to", help="sft: file to write; the pictures must lie below its folder")
    parser.add_argument("--evaluation", nargs="*", default=[], help="sft: evaluation sets (.txt, .sha256, .pdq) to leave out")
    parser.add_argument("--ordered", action="store_true", help="sft: keep the order of turns (default: shuffled)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    try:
        import torch  # noqa: F401
    except ImportError as e:
        raise Failure(ENVIRONMENT, f"training needs torch ({e}): install weft[train]") from e
    from trainer.config import RecipeError
    from trainer.index import IndexChanged
    from trainer.train import Diverged

    try:
        if args.recipe[0] == "why":
            return _why(args)
        if args.recipe[0] == "export":
            return _export(args)
        if args.recipe[0] == "sft":
            return _sft(args)
        if len(args.recipe) != 1:
            raise Failure(USAGE, f"one recipe was expected, found {len(args.recipe)}")
        return _train(args)
    except (RecipeError, IndexChanged, FileNotFoundError) as e:
        raise Failure(USAGE, str(e)) from e
    except Diverged as e:
        raise Failure(LIMIT, str(e)) from e


def _train(args: argparse.Namespace) -> int:
    from trainer.config import load
    from trainer.train import train

    result = train(load(args.recipe[0], args.overrides))
    if args.json:
        emit({"first_loss": result.first_loss, "last_loss": result.last_loss, "steps": result.steps, "checkpoint": result.checkpoint})
    say(f"loss {result.first_loss:.3f} -> {result.last_loss:.3f} over {result.steps} steps; checkpoint {result.checkpoint}")
    return PARTIAL if result.stopped else DONE


def _why(args: argparse.Namespace) -> int:
    from trainer.why import why

    if len(args.recipe) != 2 or args.step is None:
        raise Failure(USAGE, "weft train why OUT --step N")
    try:
        rows = why(args.recipe[1], args.step)
    except ValueError as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"step": args.step, "documents": rows})
    for r in rows if not args.json else ():
        print(f"pack {r['pack']}  {r['source']}  {r['key']}  nodes {r['nodes'][0]}-{r['nodes'][1]}  {r['file']} at {r['offset']}")
    return DONE


def _export(args: argparse.Namespace) -> int:
    from trainer.hf import export_folder
    from trainer.hf_processor import export_processor
    from trainer.restore import restore
    from trainer.text import Tokens
    from trainer.why import recipe_of

    if len(args.recipe) != 3:
        raise Failure(USAGE, "weft train export OUT FOLDER")
    model, tok = restore(args.recipe[1])
    if tok.image is None:
        raise Failure(USAGE, f"{args.recipe[1]} was trained without an image token: there is nothing to export it as")
    try:
        export_folder(model, args.recipe[2], tok.image)
    except ValueError as e:
        raise Failure(USAGE, str(e)) from e
    say(f"written to {args.recipe[2]}")
    if isinstance(tok, Tokens):
        try:
            export_processor(model, tok, recipe_of(args.recipe[1]).stage[-1].images, args.recipe[2])
            say("with tokenizer, image processor and chat template")
        except ValueError as e:
            say(f"weights and configuration only: {e}")
    return DONE


def _sft(args: argparse.Namespace) -> int:
    from itertools import chain

    from trainer.sft import prepare, rows_of

    if len(args.recipe) < 2 or not args.images or not args.to:
        raise Failure(USAGE, "weft train sft FILE ... --images DIR --to FILE.jsonl [--evaluation FILE ...]")
    try:
        contaminated = _evaluation(args.evaluation) if args.evaluation else None
        rows = chain.from_iterable(rows_of(f, args.images) for f in args.recipe[1:])
        counts = prepare(rows, args.images, args.to, ordered=args.ordered, contaminated=contaminated)
    except (ValueError, OSError) as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit(counts)
    say("  ".join(f"{n} {name}" for name, n in counts.items()))
    return DONE


def _evaluation(files: list[str]) -> Callable[[list[bytes], list[str]], str]:
    """The same judgement as stage `select` makes: 13 words in a row, equal bytes, PDQ within 31 bits."""
    import hashlib
    import io

    import numpy as np
    from PIL import Image

    from pipelines.dedup.decontaminate import load
    from pipelines.dedup.images import PDQ_QUALITY
    from pipelines.dedup.shingles import Texts
    from pipelines.images.pdq import pdq

    sets = load(files)

    def overlaps(pictures: list[bytes], texts: list[str]) -> str:
        greys = [np.asarray(Image.open(io.BytesIO(p)).convert("L")) for p in pictures]
        hashes = [h if quality >= PDQ_QUALITY else None for h, quality in map(pdq, greys)]  # flat pictures all look alike
        found = sets.of_images([hashlib.sha256(p).hexdigest() for p in pictures], hashes) if pictures else []
        return next((name for name in [*found, *sets.of_texts(Texts.of(texts))] if name), "")

    return overlaps
