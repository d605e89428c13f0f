"""weft eval OUT QUESTIONS: a trained model's answers to questions about pictures, with intervals."""

from __future__ import annotations

import argparse

from weft.console import emit, say
from weft.exits import DONE, ENVIRONMENT, USAGE, Failure

EPILOG = """\
examples:
  weft eval OUT questions.jsonl                 exact match by skill, 95 % intervals
  weft eval OUT questions.jsonl --metric cider

A question is a line {"images": [file], "texts": [{"user": ..., "assistant": ...}], "skill": ..., "answers": [...]}."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", help="run.out of a training")
    parser.add_argument("questions", help="JSON lines, or a folder of them")
    parser.add_argument("--metric", choices=("exact", "vqa", "anls", "cider"), default="exact")
    parser.add_argument("--limit", type=int, default=0, help="only the first N questions")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    try:
        from trainer.evaluate import answers, table
        from trainer.index import read_index
        from trainer.read import Reader
        from trainer.restore import restore
        from trainer.setup import costs
        from trainer.why import recipe_of
    except ImportError as e:
        raise Failure(ENVIRONMENT, f"evaluation needs torch ({e}): install weft[train]") from e
    try:
        model, tok = restore(args.out)
        stage = recipe_of(args.out).stage[-1]
        reader = Reader([read_index(args.questions, "sft")], tok, costs(model.c, stage), stage.tokens)
    except (ValueError, OSError) as e:
        raise Failure(USAGE, str(e)) from e
    rows = table(answers(model, reader, args.limit), args.metric)
    if args.json:
        emit({"metric": args.metric, "rows": rows})
    else:
        say(f"{'skill':12} {'n':>6} {args.metric:>7}   95 % interval    commonest answer")
        for r in rows:
            say(f"{r['skill']:12} {r['n']:>6} {r[args.metric]:>7.3f}   {r['low']:.3f} - {r['high']:.3f}    {r['chance']:.3f}")
    return DONE
