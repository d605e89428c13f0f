"""weft whatif RUN --set filters.pair.similarity.min=0.3: the funnel under other limits, in seconds."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from weft.console import clean, count, emit, table
from weft.exits import DONE, USAGE, Failure

EPILOG = """\
examples:
  weft whatif RUN --set filters.pair.similarity.min=0.3
  weft whatif RUN --set pair.similarity.min=0.3 --set document.images_left.max=20 --json
  weft whatif RUN --limits          the limits there are, with their values in this run"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="RULE.min=VALUE",
        help="another limit (repeatable); false switches it off",
    )
    parser.add_argument("--flips", type=int, default=10, help="documents shown that change sides, each way (default: 10)")
    parser.add_argument("--limits", action="store_true", help="list the limits of the run and stop")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from audit.queries import ask
    from audit.run import Run, RunError
    from audit.whatif import WhatIfError, names, whatif

    try:
        r = Run(args.run)
        if args.limits or not args.settings:
            with r.connect() as con:
                known = names(ask(con, 'SELECT * FROM rules ORDER BY "order", measure, side'))
            if args.json:
                emit({n: {"limit": rows[0]["limit"], "at": rows[0]["at"], "measure": rows[0]["measure"]} for n, rows in known.items()})
            else:
                table(
                    [(n, f"{rows[0]['limit']:g}", rows[0]["measure"], rows[0]["at"]) for n, rows in known.items()],
                    ("limit", "now", "measure", "judged at"),
                )
            return DONE
        a = whatif(r, args.settings, args.flips)
    except (RunError, WhatIfError) as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit(asdict(a))
        return DONE
    for c in a.changes:
        print(f"{c['setting']}: {c['limit']:g} -> {'off' if c['new'] is None else format(c['new'], 'g')}")
    bounds = "exact" if a.exact else f"estimated, between {count(a.low)} and {count(a.high)}"
    print(f"documents kept: {count(a.before['documents'])} -> {count(a.after['documents'])} of {count(a.before['pages'])} ({bounds})")
    print(f"images kept:    {count(a.before['images'])} -> {count(a.after['images'])}")
    for c in a.caveats:
        print(f"  note: {c}")
    print()
    table(
        [(f["reason"] or "kept", f["stage"], f["before"], f["after"], f"{f['after'] - f['before']:+d}") for f in a.funnel],
        ("first reason", "stage", "before", "after", "change"),
    )
    for title, rows, column in (("language", a.languages, "language"), ("domain", a.domains[:15], "domain")):
        moved = [r for r in rows if r["after"] != r["before"]]
        if moved:
            print()
            table([(r[column], r["pages"], r["before"], r["after"]) for r in moved], (title, "pages", "kept before", "kept after"))
    for way, rows in a.flips.items():
        if rows:
            print(f"\ncome in ({len(rows)} shown):" if way == "in" else f"\ngo out ({len(rows)} shown):")
            for r in rows:
                print(f"  {clean(r['url'])[:100]}  {r['reason'] if way == 'in' else r['new_reason']}")
    return DONE
