"""weft retry RUN: ask again for the images that failed for a reason that may have passed."""

from __future__ import annotations

import argparse

from weft.console import count, emit, say
from weft.exits import DONE, USAGE, Failure

EPILOG = """\
Asked again: time-outs, resets, refused connections, DNS failures, bodies cut short or too slow, 429 and 5xx answers, hosts that did not
respond, a robots.txt that could not be had, and what the deadline left. Not: 404s, opt-outs, what robots.txt disallows, and everything that
succeeded. The configuration is the one in the run folder. The stages after fetch then run on the new answers; `weft run` with the same
configuration replays the retried result. Pages that could not be read (dead letters) are no part of this: mend them and run again."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be asked again")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.add_argument("-q", "--quiet", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines import storage
    from pipelines.retry import retry_failed
    from pipelines.settings.config import load
    from schemas import layout
    from weft.verbs.run import run_config

    where = storage.join(args.run, layout.CONFIG)
    if not storage.exists(where):
        raise Failure(USAGE, f"{args.run!r} is no run folder: it has no {layout.CONFIG}")
    config = load(where)
    waiting = retry_failed(args.run, config, mark=not args.dry_run)
    if not args.quiet and not args.json:
        for status, n in waiting.items():
            say(f"  {count(n):>9}  {status}")
        say(f"{count(sum(waiting.values()))} images to ask for again")
    if args.dry_run or not waiting:
        if args.json:
            emit({"run": args.run, "waiting": waiting})
        return DONE
    return run_config(config, args.run, quiet=args.quiet, as_json=args.json)
