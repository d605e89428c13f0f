"""weft eval OUT QUESTIONS: a trained model's answers to questions about pictures, with intervals; `import` for standard benchmarks."""

from __future__ import annotations

import argparse
import os

from weft.console import emit, say
from weft.exits import DONE, ENVIRONMENT, USAGE, Failure

EPILOG = """\
examples:
  weft eval OUT questions.jsonl                          exact match by skill, 95 % intervals
  weft eval OUT captions.jsonl --metric cider
  weft eval OUT val.jsonl --shots 4 --examples train.jsonl --similar     four examples before each, the most similar pictures (RICES)
  weft eval OUT mmbench.jsonl --choose                   the likeliest of each line's choices instead of what the model writes
  weft eval import textvqa TextVQA_val.json --images DIR/pictures --to DIR/textvqa.jsonl

A question is a line {"images": [file], "sizes": [[w, h]], "texts": [{"user": ..., "assistant": ...}], "skill": ..., "answers": [...],
"choices": [...]}; `import` writes such lines from the files of vqav2, okvqa, textvqa, docvqa, coco, mmbench and mmmu."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", help="run.out of a training, or `import`")
    parser.add_argument("questions", nargs="+", help="JSON lines, or folders of them; after `import`: the benchmark and its files")
    parser.add_argument("--metric", choices=("exact", "vqa", "anls", "cider"), default="exact")
    parser.add_argument("--limit", type=int, default=0, help="only the first N questions")
    parser.add_argument("--shots", type=int, default=0, help="examples before each question")
    parser.add_argument("--examples", help="JSON lines the examples come from")
    parser.add_argument("--similar", action="store_true", help="examples with the most similar pictures, not at random")
    parser.add_argument("--choose", action="store_true", help="multiple choice: the likeliest of each line's `choices`")
    parser.add_argument("--tokens", type=int, default=24, help="an answer's most tokens (default 24)")
    parser.add_argument("--images", help="import: folder of the pictures")
    parser.add_argument("--to", help="import: file to write; the pictures must lie below its folder")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    if args.out == "import":
        return _import(args)
    if bool(args.shots) != bool(args.examples):
        raise Failure(USAGE, "--shots N and --examples FILE go together")
    try:
        from trainer.evaluate import answers, chosen, table
        from trainer.fewshot import Examples
        from trainer.index import read_index
        from trainer.read import Reader
        from trainer.restore import restore
        from trainer.setup import costs
        from trainer.why import recipe_of
    except ImportError as e:
        raise Failure(ENVIRONMENT, f"evaluation needs torch ({e}): install weft[train]") from e
    rows = []
    try:
        model, tok = restore(args.out)
        stage = recipe_of(args.out).stage[-1]

        def reader(file: str) -> Reader:
            return Reader([read_index(file, "sft")], tok, costs(model.c, stage), stage.tokens)

        examples = Examples(reader(args.examples), model, args.shots, similar=args.similar) if args.shots else None
        for file in args.questions:
            ask = reader(file)
            got = chosen(model, ask, args.limit, examples=examples) if args.choose else None
            got = got if got is not None else answers(model, ask, args.limit, most=args.tokens, examples=examples)
            name = os.path.splitext(os.path.basename(file.rstrip("/")))[0]
            rows += [{"set": name, "shots": args.shots, **r} for r in table(got, args.metric)]
    except (ValueError, OSError) as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"metric": args.metric, "rows": rows})
    else:
        say(f"{'set':16} {'skill':16} {'shots':>5} {'n':>6} {args.metric:>7}   95 % interval    commonest answer")
        for r in rows:
            head = f"{r['set'][:16]:16} {r['skill'][:16]:16} {r['shots']:>5} {r['n']:>6}"
            say(f"{head} {r[args.metric]:>7.3f}   {r['low']:.3f} - {r['high']:.3f}    {r['chance']:.3f}")
    return DONE


def _import(args: argparse.Namespace) -> int:
    from trainer.standard import METRIC, convert

    if len(args.questions) < 2 or not args.images or not args.to:
        raise Failure(USAGE, "weft eval import BENCHMARK FILE ... --images DIR --to FILE.jsonl")
    kind, *files = args.questions
    try:
        counts = convert(kind, files, args.images, args.to)
    except (ValueError, OSError) as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit({"benchmark": kind, **counts})
    say(f"{counts['questions']} questions written to {args.to}, {counts['without_picture']} without their picture left out")
    say(f"score them by: weft eval OUT {args.to} --metric {METRIC[kind]}")
    return DONE
