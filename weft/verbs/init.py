"""weft init: a commented configuration."""

from __future__ import annotations

import argparse
import os

from weft.console import say
from weft.exits import USAGE, Failure


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default="weft.toml", help="file to write (default: weft.toml); - for standard output")
    parser.add_argument("--preset", default="obelics", help="which rules to start from: obelics, strict, demo")
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema of the configuration instead")


def run(args: argparse.Namespace) -> int:
    from weft.reference.config import commented_toml, json_schema

    if args.schema:
        from weft.console import emit

        emit(json_schema())
        return 0
    text = commented_toml(preset(args.preset))
    if args.path == "-":
        print(text, end="")
        return 0
    if os.path.exists(args.path):
        raise Failure(USAGE, f"{args.path} exists; give another name or remove it first")
    with open(args.path, "w", encoding="utf-8") as f:
        f.write(text)
    say(f"wrote {args.path}\nnext: put your WARCs into [input] paths, your contact into [fetch], then `weft plan {args.path}`")
    return 0


def preset(name: str):  # noqa: ANN201  (pipelines.settings.config.Config, imported late)
    from importlib.resources import files

    from pipelines.settings.config import parse

    source = files("configs") / f"{name}.toml"
    if not source.is_file():
        known = sorted(p.name.removesuffix(".toml") for p in files("configs").iterdir() if p.name.endswith(".toml"))
        raise Failure(USAGE, f"no preset {name!r}; there are: {', '.join(known)}")
    return parse(source.read_text(encoding="utf-8"), f"{name}.toml")
