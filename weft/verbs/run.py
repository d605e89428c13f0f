"""weft run CONFIG: the pipeline."""

from __future__ import annotations

import argparse
import os
from typing import Any

from weft.console import count, emit, say
from weft.exits import DONE, LIMIT, USAGE, Failure

PASSES_ON = True
EPILOG = """\
examples:
  weft run configs/obelics.toml --set input.paths='["crawl/*.warc.gz"]' -o runs/first
  weft run configs/obelics.toml -o runs/first --only extract      stop after extract
  weft run configs/obelics.toml -o runs/first --runner spark --spark_master_url=spark://host:7077

The same command again does nothing where nothing changed, and goes on where it stopped."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file (`weft init` writes one)")
    parser.add_argument("inputs", nargs="*", help="WARC files, instead of the configuration's input.paths")
    parser.add_argument("-o", "--output", default=None, help="run folder (default: runs/<run.name>)")
    parser.add_argument("--only", metavar="STAGE", default=None, help="run up to and including this stage")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting (repeatable)"
    )
    parser.add_argument("--workers", type=int, default=None, help="worker processes on this machine (default: one per core)")
    parser.add_argument("--runner", default=None, help="local, prism, spark, flink, dataflow, portable")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.add_argument("-q", "--quiet", action="store_true")
    parser.add_argument("--log-json", action="store_true", help="progress as lines of JSON on stderr")


def run(args: argparse.Namespace) -> int:
    from pipelines.settings.config import load

    config = load(args.config, overrides(args))
    return run_config(
        config, args.output or os.path.join("runs", config.run.name), args.only, quiet=args.quiet, as_json=args.json, log_json=args.log_json
    )


def overrides(args: argparse.Namespace) -> list[str]:
    """--set and the flags that are shorthands of it, as `a.b=value`."""
    out = list(args.overrides)
    if args.inputs:
        import json

        out.append(f"input.paths={json.dumps(args.inputs)}")
    if args.workers is not None:
        out.append(f"runner.workers={args.workers}")
    if args.runner is not None:
        out.append(f'runner.name="{args.runner}"')
    return out + [f"runner.options.{name}={value}" for name, value in beam_options(args.rest)]


def beam_options(rest: list[str]) -> list[tuple[str, str]]:
    """Leftover flags as Beam options; Failure for those Beam does not know (Beam itself would only log them)."""
    if not rest:
        return []
    from pipelines.beam import known_options
    from weft.main import unknown_options

    known = known_options()
    pairs, unknown, queue = [], [], list(rest)
    while queue:
        flag = queue.pop(0)
        name, eq, value = flag.removeprefix("--").partition("=")
        if not flag.startswith("--") or name not in known:
            unknown.append(flag)
            if not eq and queue and not queue[0].startswith("-"):
                queue.pop(0)
            continue
        if not eq:
            value = queue.pop(0) if queue and not queue[0].startswith("--") else "true"
        pairs.append((name, value if value in ("true", "false") or value.isdigit() else f'"{value}"'))
    if unknown:
        raise Failure(
            USAGE,
            unknown_options(
                unknown, [f"--{k}" for k in known] + ["--only", "--set", "--output", "--workers", "--runner", "--json", "--quiet"]
            ),
        )
    return pairs


def run_config(
    config: Any, folder: str, upto: str | None = None, *, quiet: bool = False, as_json: bool = False, log_json: bool = False
) -> int:
    """Run the stages, publish the run manifest, write report.html; the exit code says whether a declared limit broke."""
    from pipelines.run import Events, run_stages
    from schemas import layout
    from weft import preflight
    from weft.progress import Progress

    if upto is not None and upto not in layout.STAGES:
        raise Failure(USAGE, f"no stage {upto!r}; the stages are {', '.join(layout.STAGES)}")
    last = upto or layout.STAGES[-1]
    if config.run.sign_key:
        from pipelines.shards.sign import check_key

        check_key(config.run.sign_key)
    preflight.check(config, folder, layout.STAGES[: layout.STAGES.index(last) + 1])
    with Progress(quiet or as_json, log_json) as progress:
        outcomes = run_stages(folder, config, last, Events(progress.starting, progress.finished))
    broken = broken_limits(config, outcomes)
    complete = len(outcomes) == len(layout.STAGES)
    if complete:
        finish(folder, outcomes)
    if as_json:
        emit(
            {
                "run": folder,
                "complete": complete,
                "stages": {n: {"digest": o.done.manifest.digest, "skipped": o.skipped, "seconds": round(o.seconds, 3), "counts": {k: vars(c) for k, c in o.done.manifest.counts.items()}} for n, o in outcomes.items()},
                "broken_limits": broken,
            }
        )  # fmt: skip
    for sentence in broken:
        say(f"limit broken: {sentence}")
    if not quiet and not as_json:
        say(_next(folder, outcomes, complete))
    return LIMIT if broken else DONE


def finish(folder: str, outcomes: dict[str, Any]) -> None:
    """The run's manifest (its commit point), then what people look at."""
    from audit.report import write_report
    from pipelines.run import publish_audit
    from pipelines.shards.run_manifest import publish
    from pipelines.shards.sign import renew

    publish_audit(folder, outcomes["report"].done)
    publish(folder)
    renew(folder)
    write_report(folder)


def broken_limits(config: Any, outcomes: dict[str, Any]) -> list[str]:
    """Declared limits that the run broke, each in a sentence."""
    out = []
    for name, outcome in outcomes.items():
        for kind, c in outcome.done.manifest.counts.items():
            if c.entered and c.dead / c.entered > config.run.max_failure_share:
                out.append(
                    f"{name}: {count(c.dead)} of {count(c.entered)} {kind} are dead letters, more than run.max_failure_share = {config.run.max_failure_share:g}"
                )
    if "pack" in outcomes and (seen := outcomes["extract"].done.manifest.counts["documents"].entered):
        kept = outcomes["pack"].done.manifest.counts["documents"].kept
        if kept / seen < config.run.min_yield:
            out.append(f"{count(kept)} of {count(seen)} pages were kept, less than run.min_yield = {config.run.min_yield:g}")
    return out


def _next(folder: str, outcomes: dict[str, Any], complete: bool) -> str:
    if not complete:
        return f"done up to {list(outcomes)[-1]}; run again without --only to go on"
    return f"done: {folder}/manifest.json\nnext:  weft verify {folder}  ·  open {folder}/report.html  ·  weft why {folder} URL"
