"""The reference page of the command line: every verb with its words and options, from the verbs' own parsers."""

from __future__ import annotations

import argparse

from weft import exits
from weft.main import VERBS, parser_of


def markdown() -> str:
    codes = {getattr(exits, n): n.lower() for n in ("DONE", "LIMIT", "USAGE", "PARTIAL", "ENVIRONMENT", "INTERRUPTED")}
    out = ["# Command line", "", "Generated from the verbs' own parsers by `make reference`; `weft VERB --help` says the same.", "",
           "Exit codes: " + ", ".join(f"{c} {n}" for c, n in sorted(codes.items())) + " (see [operations](../operations.md)).", ""]  # fmt: skip
    for verb, (text, _) in VERBS.items():
        parser, _ = parser_of(verb)
        shown = [a for a in parser._actions if not isinstance(a, argparse._HelpAction) and a.help != argparse.SUPPRESS]
        words = " ".join(_word(a) for a in shown if not a.option_strings)
        out += [f"## weft {verb}", "", f"{text[0].upper()}{text[1:]}.", "", f"`weft {verb}{' ' * bool(words)}{words}`", ""]
        if shown:
            out += ["| argument | meaning |", "|---|---|", *(f"| `{_name(a)}` | {_cell(a.help or '')} |" for a in shown), ""]
        if parser.epilog:
            out += [parser.epilog.strip(), ""]
    return "\n".join(out)


def _word(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [...]"}.get(str(action.nargs), name)


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return action.metavar if isinstance(action.metavar, str) else action.dest
    takes = "" if action.nargs == 0 else " " + (action.metavar if isinstance(action.metavar, str) else action.dest.upper())
    return ", ".join(action.option_strings) + takes


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|").replace("\n", " ")
