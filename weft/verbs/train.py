"""weft train RECIPE: train a vision-language model on shards; `weft train why` names the documents of a past step."""

from __future__ import annotations

import argparse

from weft.console import emit, say
from weft.exits import DONE, ENVIRONMENT, LIMIT, PARTIAL, USAGE, Failure

EPILOG = """\
examples:
  weft train configs/recipes/tiny-cpu.toml --set data.shards=RUN --set run.out=OUT
  weft train why OUT --step 120                the documents of that step
  weft train export OUT HF_FOLDER              newest checkpoint as a folder that transformers reads
  torchrun --nproc-per-node 8 -m weft.main train RECIPE

Run the same command again and it goes on from the newest checkpoint. Exit code 3: stopped by a signal, saved."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", nargs="+", help="a recipe; or `why OUT`; or `export OUT FOLDER`")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting")
    parser.add_argument("--step", type=int, default=None, help="why: which step, from 1")
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
    from trainer.restore import restore

    if len(args.recipe) != 3:
        raise Failure(USAGE, "weft train export OUT FOLDER")
    model, corpus = restore(args.recipe[1])
    if corpus.image is None:
        raise Failure(USAGE, f"{args.recipe[1]} was trained without an image token: there is nothing to export it as")
    try:
        export_folder(model, args.recipe[2], corpus.image)
    except ValueError as e:
        raise Failure(USAGE, str(e)) from e
    say(f"written to {args.recipe[2]}")
    return DONE
