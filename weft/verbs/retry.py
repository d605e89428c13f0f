"""weft retry RUN: ask again for the images that failed for a reason that may have passed; with --dead, read dead letters again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from weft.console import clean, count, emit, say
from weft.exits import DONE, LIMIT, USAGE, Failure

if TYPE_CHECKING:
    from pipelines.settings.config import Config

EPILOG = """\
Asked again: time-outs, resets, refused connections, DNS failures, bodies cut short or too slow, 429 and 5xx answers, hosts that did not
respond, a robots.txt that could not be had, and what the deadline left. Not: 404s, opt-outs, what robots.txt disallows, and everything that
succeeded. The configuration is the one in the run folder. The stages after fetch then run on the new answers; `weft run` with the same
configuration replays the retried result.

With --dead: after a fix, every page that became a dead letter is read again by its pointer, with the code as it is now and the run's settings
(--set mends one). It says which are read now and which still die, and changes nothing; `weft run` then takes them into the run. Exit code 1
if any still dies."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--dead", action="store_true", help="read the pages that became dead letters again, and say what becomes of them")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="with --dead: override one setting"
    )
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
    if args.dead:
        return _dead(args, load(where, args.overrides))
    if args.overrides:
        raise Failure(USAGE, "--set goes with --dead only: images are asked for with the settings that the run was fetched with")
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


def _dead(args: argparse.Namespace, config: Config) -> int:
    from pipelines.replay import is_unchanged, replay

    found = replay(args.run, config)
    dying = [r for r in found if r.now]
    if args.json:
        emit({"run": args.run, "letters": [r._asdict() for r in found]})
        return LIMIT if dying else DONE
    for r in dying:
        print(f"{clean(r.url)}\n  {clean(r.path)} offset {r.offset}: {r.was}, now {r.now}: {clean(r.message)}")
    if not args.quiet:
        say(f"{count(len(found) - len(dying))} of {count(len(found))} dead letters are read now")
        if found and not dying:
            unchanged = is_unchanged(args.run, config)
            say(
                "the stage's own code and settings are as they were, so `weft run` would not read them again: remove its folder under "
                f"{args.run}/stages/extract first"
                if unchanged
                else "`weft run` with these settings takes them into the run"
            )
    return LIMIT if dying else DONE
