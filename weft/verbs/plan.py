"""weft plan CONFIG: what a run would do and cost, before it costs anything."""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import Any

from weft.console import count, emit, say, seconds, size, table
from weft.exits import DONE
from weft.verbs.run import overrides

PASSES_ON = True
EPILOG = """\
The estimate runs the real stages on evenly spaced pieces of the input (--samples of them, --sample-bytes each), once on a quarter of
them and once on all: what starting costs is paid once, the rest grows with the bytes. Without --whole it is extract's alone and asks
nothing of anybody's servers; with --whole every stage runs, and the pictures of the sampled pages are fetched. A larger input holds
more duplicates than a sample can meet: how many more is told from how the two samples differ."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file (`weft init` writes one)")
    parser.add_argument("inputs", nargs="*", help="WARC files, instead of the configuration's input.paths")
    parser.add_argument("-o", "--output", default=None, help="run folder (default: runs/<run.name>)")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting (repeatable)"
    )
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--runner", default=None)
    parser.add_argument("--whole", action="store_true", help="estimate all stages, not extract alone (fetches the sample's pictures)")
    parser.add_argument("--samples", type=int, default=8, help="pieces to read; 0 = no estimate (default: 8)")
    parser.add_argument("--sample-bytes", type=int, default=1 << 19, help="compressed bytes of a piece (default: 512 KiB)")
    parser.add_argument("--cpu-hour", type=float, default=0.04, metavar="PRICE", help="price of a core hour (default: 0.04)")
    parser.add_argument("--gpu-hour", type=float, default=2.0, metavar="PRICE", help="price of a GPU hour (default: 2.0)")
    parser.add_argument("--show-config", action="store_true", help="print the resolved configuration as TOML and stop")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines import estimate, sample
    from pipelines.settings.config import dump, load
    from pipelines.web import inputs
    from pipelines.web.source import SourceError
    from schemas import layout
    from weft.exits import ENVIRONMENT, USAGE, Failure

    config = load(args.config, overrides(args))
    if args.show_config:
        print(dump(config), end="")
        return DONE
    folder = args.output or os.path.join("runs", config.run.name)
    try:
        units = inputs.units(config.input)
    except inputs.InputError as e:
        raise Failure(USAGE, str(e)) from e
    try:
        measured = sample.sizes(units)
    except SourceError as e:
        raise Failure(ENVIRONMENT, str(e)) from e
    states = stage_states(folder, config)
    found: dict[str, Any] = {
        "run": folder, "archives": len({u.path for u in units}), "units": len(units), "bytes": measured.total, "guessed_units": measured.guessed,
        "engine": config.runner.name, "model": config.score.clip.model or None, "rules": len(config.filters), "stages": states,
    }  # fmt: skip
    upto = layout.STAGES[-1] if args.whole else "extract"
    if args.samples > 0 and "run" in (states["extract"], states[upto]):
        pieces = sample.choose(units, measured, args.samples, args.sample_bytes)
        with tempfile.TemporaryDirectory(prefix="weft-plan-") as scratch:
            e = estimate.measure(pieces, measured.total, config, scratch, upto)
        found["estimate"] = e and priced(e.only({s for s, would in states.items() if would == "run"}), args.cpu_hour, args.gpu_hour)
    if args.json:
        emit(found)
        return DONE
    show(found)
    return DONE


def priced(e: Any, cpu_hour: float, gpu_hour: float) -> dict[str, Any]:
    """The estimate as printed: hours, bytes and money, each stage on a row."""
    return {
        "pages": e.pages,
        "stages": [vars(s) for s in e.stages],
        "cpu_hours": e.cpu_seconds / 3600,
        "gpu_hours": e.gpu_seconds / 3600,
        "wall_seconds": e.wall_seconds,
        "output_bytes": e.bytes,
        "cost": (e.cpu_seconds * cpu_hour + e.gpu_seconds * gpu_hour) / 3600,
        "error": e.error,
        "sampled_bytes": e.sampled_bytes,
        "sampled_pages": e.sampled_pages,
    }


def show(found: dict[str, Any]) -> None:
    about = "about " if found["guessed_units"] else ""
    say(
        f"{count(found['archives'])} archives, {about}{size(found['bytes'])} compressed, {count(found['units'])} units of work, engine {found['engine']}"
    )
    say(f"model {found['model'] or 'none (score.clip.model is empty)'}, {found['rules']} rules, run folder {found['run']}")
    if "estimate" not in found:
        table(found["stages"].items(), ["stage", "would"])
        return
    if not (e := found["estimate"]):
        table(found["stages"].items(), ["stage", "would"])
        say("no estimate: no archive here can be read in pieces (.warc.gz and .warc can)")
        return
    costs = {s["stage"]: s for s in e["stages"]}
    rows = [[name, would, *_cells(costs.get(name))] for name, would in found["stages"].items()]
    table(rows, ["stage", "would", "CPU h", "time", "written", "keeps"])
    gpu = f" and {e['gpu_hours']:.3g} GPU h" if e["gpu_hours"] else ""
    say(
        f"{', '.join(costs)}: {e['cpu_hours']:.3g} CPU h{gpu} ({e['cost']:.3g} at the given price), {seconds(e['wall_seconds'])} on this machine, "
        f"{size(e['output_bytes'])} written; +-{e['error']:.0%}, from {count(e['sampled_pages'])} of about {count(e['pages'])} pages"
    )
    if "pack" not in costs:
        say("the other stages: weft plan --whole (it fetches the pictures of the sampled pages)")


def _cells(cost: dict[str, Any] | None) -> list[str]:
    if cost is None:
        return ["", "", "", ""]
    kept = ", ".join(f"{count(n)} {kind.replace('_', ' ')}" for kind, n in cost["kept"].items())
    return [f"{cost['cpu_seconds'] / 3600:.3g}", seconds(cost["wall_seconds"]), size(cost["bytes"]), kept]


def stage_states(folder: str, config: Any) -> dict[str, str]:
    """skip (done for exactly this configuration) or run."""
    from pipelines.run import finished_stages

    return {name: "skip: done" if done else "run" for name, done in finished_stages(folder, config)}
