"""weft ablate: the paper's six findings in miniature, and the data's own ablation; arm by arm, seed by seed, resumable."""

from __future__ import annotations

import argparse
import os

from weft.console import emit, say
from weft.exits import DONE, ENVIRONMENT, PARTIAL, USAGE, Failure

EPILOG = """\
examples:
  weft ablate --finding 4 --seeds 1 -o ablation       one finding, one seed
  weft ablate --finding all -o ablation               everything, three seeds
  weft ablate --page RESULTS.md -o ablation           the results page again, from the log alone

The same command again runs only what the log does not hold; an arm that was killed goes on from its checkpoint."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--finding", default=None, metavar="N", help="1 to 6, data, or all; several with commas")
    parser.add_argument(
        "--scale", choices=("tiny", "mini", "smoke"), default="tiny", help="tiny: two CPU cores; mini: one GPU; smoke: to see it run"
    )
    parser.add_argument("--seeds", type=int, default=3, help="seeds of every arm (default: 3)")
    parser.add_argument("--workers", type=int, default=None, help="arms at a time (default: one per core; mini: 1)")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="begin no arm after so many minutes; run again for the rest (default: no limit)"
    )
    parser.add_argument("-o", "--output", default="ablation-run", help="folder of the log and of what arms share (default: ablation-run)")
    parser.add_argument("--page", default=None, help="write the results page (Markdown and SVG) from the folder's log, and run nothing")
    parser.add_argument("--json", action="store_true", help="the log's lines as JSON")


def run(args: argparse.Namespace) -> int:
    if args.page:
        return _page(args)
    try:
        import torch  # noqa: F401
    except ImportError as e:
        raise Failure(ENVIRONMENT, f"the ablation trains models and needs torch ({e}): install weft[train]") from e
    from ablation.arms import FINDINGS
    from ablation.run import run as run_arms

    asked = [f for f in (args.finding or "").split(",") if f]
    findings = list(FINDINGS) if asked == ["all"] else asked
    wrong = [f for f in findings if f not in FINDINGS]
    if wrong or not findings:
        what = f"no finding {wrong[0]!r}" if wrong else "which finding?"
        raise Failure(USAGE, f"{what}: --finding takes {', '.join(FINDINGS)}, or all")
    if args.seeds < 1:
        raise Failure(USAGE, f"--seeds {args.seeds}: at least one")
    workers = args.workers or (1 if args.scale == "mini" else os.cpu_count() or 1)
    lines = run_arms(findings, args.output, args.scale, args.seeds, workers, say, minutes=args.minutes)
    if args.json:
        emit(lines)
    from ablation.run import missing

    left = missing(findings, args.output, args.scale, args.seeds)
    if left:
        say(f"{left} arms are left: run the same command again")
        return PARTIAL
    say(f"done: {len(lines)} arms in {args.output}/log.jsonl\nnext:  weft ablate --page RESULTS.md -o {args.output}")
    return DONE


def _page(args: argparse.Namespace) -> int:
    from ablation.page import LOG, write

    log = os.path.join(args.output, LOG)
    try:
        files = write(log, args.page)
    except FileNotFoundError as e:
        raise Failure(USAGE, f"{log} is missing: run `weft ablate --finding all -o {args.output}` first") from e
    except ValueError as e:
        raise Failure(USAGE, str(e)) from e
    for f in files:
        say(f)
    return DONE
