"""weft calibrate RUN: what a CLIP limit keeps, and, on a labelled set, how well it tells right captions from wrong ones."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from weft.console import count, emit, table
from weft.exits import DONE, USAGE, Failure

if TYPE_CHECKING:
    from pipelines.settings.score import ScoreSettings

SHOWN = 15  # limits shown of a labelled set, besides the best
EPILOG = """\
examples:
  weft calibrate RUN                                   kept share of each similarity, from the stored pairs of the run
  weft calibrate RUN --language de
  weft calibrate RUN --labelled set.jsonl              also precision and recall of the run's model on a labelled set
  weft calibrate weft.toml --labelled set.jsonl        the model of a configuration, without a run
  weft calibrate --model ViT-B-32 --pretrained weights.safetensors --labelled set.jsonl

A labelled set is a JSON Lines file: {"image": "file beside it", "text": "...", "right": true or false} on each line. Precision: of what a
limit drops, the share that is wrong. Recall: of what is wrong, the share that is dropped."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="?", default="", help="run folder, or a configuration (.toml) whose model is meant")
    parser.add_argument("--labelled", default="", metavar="FILE", help="JSON Lines file of image, text, right")
    parser.add_argument("--language", default="", help="only pairs of pages in this language")
    parser.add_argument(
        "--at", action="append", type=float, default=[], metavar="SIMILARITY", help="precision and recall at this limit (repeatable)"
    )
    parser.add_argument("--model", default="", help="any open_clip model, instead of the configuration's")
    parser.add_argument(
        "--pretrained", default="", help="its weights: a file, or a tag of open_clip with --set score.clip.allow_download=true"
    )
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting (repeatable)"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.images.calibrate import CalibrationError

    is_run = os.path.isdir(args.source)
    if not is_run and not args.labelled:
        raise Failure(USAGE, "give a run folder (its stored similarities are read), or --labelled with a set of right and wrong pairs")
    out: dict[str, Any] = {}
    try:
        if is_run:
            out |= of_run(args.source, args.language)
        if args.labelled:
            out |= of_set(args, is_run)
    except CalibrationError as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit(out)
        return DONE
    show(out)
    return DONE


def of_run(path: str, language: str) -> dict[str, Any]:
    """{"pairs", "kept"}: the similarity of each kept share of the run's pairs."""
    from audit.run import Run, RunError
    from pipelines.images.calibrate import kept_fractions, of_run
    from pipelines.stage import Done

    try:
        r = Run(path)
    except RunError as e:
        raise Failure(USAGE, str(e)) from e
    if "score" not in r.stages:
        raise Failure(USAGE, f"{path!r} has not been scored yet: run `weft run` first")
    rows = kept_fractions(of_run(Done(r.stage_path("score"), r.stages["score"]), language))
    return {
        "run": path,
        "language": language,
        "pairs": rows[0].pairs,
        "kept": [{"similarity": k.similarity, "fraction": k.fraction} for k in rows],
    }


def of_set(args: argparse.Namespace, is_run: bool) -> dict[str, Any]:
    """{"labelled", "model", "best", "limits"}: precision and recall of the model on the set; its kept shares too if there is no run."""
    from pipelines.images.calibrate import best, kept_fractions, labelled, quality

    s = score_settings(args, is_run)
    if not os.path.isfile(args.labelled):
        raise Failure(USAGE, f"no file {args.labelled!r}")
    similarities, right = labelled(args.labelled, s.clip, s)
    rows = quality(similarities, right)
    step = max(1, len(rows) // SHOWN)
    limits = quality(similarities, right, args.at) if args.at else rows[::step]
    out: dict[str, Any] = {"labelled": args.labelled, "labelled_pairs": len(right), "labelled_wrong": right.count(False), "model": s.clip.model,
                           "best": best(rows)._asdict(), "limits": [q._asdict() for q in limits]}  # fmt: skip
    if not is_run:
        found = kept_fractions(similarities)
        out |= {"pairs": len(similarities), "kept": [{"similarity": k.similarity, "fraction": k.fraction} for k in found]}
    return out


def score_settings(args: argparse.Namespace, is_run: bool) -> ScoreSettings:
    """[score] of the run, of the configuration or of the command line."""
    from pipelines.settings.config import load, parse
    from schemas import layout

    overrides = list(args.overrides)
    if args.model:
        overrides += [f'score.clip.model="{args.model}"', f'score.clip.pretrained="{args.pretrained}"']
    path = os.path.join(args.source, layout.CONFIG) if is_run else args.source
    config = load(path, overrides) if path else parse("", "the command line", overrides)
    if not config.score.clip.model:
        raise Failure(USAGE, "no model: give --model and --pretrained, or a configuration with [score.clip]")
    return config.score


def show(out: dict[str, Any]) -> None:
    where = f"of {count(out['pairs'])} pairs" + (f" in {out['language']}" if out.get("language") else "")
    table([(f"{k['similarity']:.4f}", f"{100 * k['fraction']:.1f} %") for k in out["kept"]], ("similarity at least", f"keeps {where}"))
    if "best" not in out:
        return
    b = out["best"]
    print(f"\n{out['model']} on {out['labelled']}: {count(out['labelled_pairs'])} pairs, {count(out['labelled_wrong'])} of them wrong")
    table([_row(q) for q in out["limits"]], ("similarity at least", "precision", "recall", "keeps", "F1"))
    print(
        f"best F1: at least {b['threshold']:.4f} (precision {b['precision']:.3f}, recall {b['recall']:.3f}, keeps {100 * b['kept']:.1f} %)"
    )
    print(f'  [filters."pair.similarity"]\n  min = {b["threshold"]:.4f}')


def _row(q: dict[str, Any]) -> tuple[str, ...]:
    return (f"{q['threshold']:.4f}", f"{q['precision']:.3f}", f"{q['recall']:.3f}", f"{100 * q['kept']:.1f} %", f"{q['f1']:.3f}")
