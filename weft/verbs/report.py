"""weft report RUN: write report.html again from the tables."""

from __future__ import annotations

import argparse

from weft.console import emit, say


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--json", action="store_true", help="print the funnel as JSON instead")


def run(args: argparse.Namespace) -> int:
    from audit.report import funnel, write_report

    if args.json:
        emit(funnel(args.run))
    else:
        say(f"wrote {write_report(args.run)}")
    return 0
