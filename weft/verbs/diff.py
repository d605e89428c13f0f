"""weft diff A B: what differs between two runs, and what may have caused it."""

from __future__ import annotations

import argparse

from weft.console import clean, count, emit, table
from weft.exits import DONE, USAGE, Failure


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", help="run folder")
    parser.add_argument("b", help="run folder to compare with")
    parser.add_argument("--rows", type=int, default=20, help="documents shown that change sides (default: 20)")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from audit.diff import diff
    from audit.run import Run, RunError

    try:
        d = diff(Run(args.a), Run(args.b), args.rows)
    except RunError as e:
        raise Failure(USAGE, str(e)) from e
    if args.json:
        emit(d)
        return DONE
    t = d["total"]
    print(f"A kept {count(t['kept_a'])} of {count(t['pages_a'])} pages, B {count(t['kept_b'])} of {count(t['pages_b'])}")
    print(
        f"{count(t['came_in'])} kept in B only, {count(t['went_out'])} kept in A only, {count(t['other_reason'])} dropped by both for other reasons"
    )
    for name in ("config", "code", "models", "inputs"):
        for x in d[name]:
            print(f"  {name} {x['key']}: {clean(x['a'])} -> {clean(x['b'])}")
    if d["reasons"]:
        print()
        table([(r["reason_a"] or "kept", r["reason_b"] or "kept", r["n"]) for r in d["reasons"]], ("in A", "in B", "pages"))
    for column in ("language", "domain"):
        if d[f"{column}s"]:
            print()
            table(
                [(r[column], r["kept_a"], r["kept_b"], r["came_in"], r["went_out"]) for r in d[f"{column}s"]],
                (column, "kept in A", "kept in B", "came in", "went out"),
            )
    for r in d["rows"]:
        print(f"  {'+' if r['kept_b'] else '-'} {clean(r['url'])[:100]}  {r['reason_a'] or 'kept'} -> {r['reason_b'] or 'kept'}")
    return DONE
