"""weft plan CONFIG: what a run would do and cost, before it costs anything."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from dataclasses import dataclass
from typing import Any

from weft.console import count, emit, say, seconds, size, table
from weft.exits import DONE
from weft.verbs.run import overrides

PASSES_ON = True
EPILOG = """\
The estimate reads a few evenly spaced pieces of the input with the real extract stage (--sample-bytes each, --samples of them) and
scales by compressed bytes. Its stated error is two standard errors between the pieces. Local archives only; it covers extract:
what comes after depends on how much survives, so run the first units with --set input.max_files=1 and look at `weft status`."""
OPENED = 64  # archives whose size is looked at one by one


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("config", help="TOML file (`weft init` writes one)")
    parser.add_argument("inputs", nargs="*", help="WARC files, instead of the configuration's input.paths")
    parser.add_argument("-o", "--output", default=None, help="run folder (default: runs/<run.name>)")
    parser.add_argument(
        "--set", dest="overrides", action="append", default=[], metavar="A.B=VALUE", help="override one setting (repeatable)"
    )
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--runner", default=None)
    parser.add_argument("--samples", type=int, default=4, help="pieces to read; 0 = no estimate (default: 4)")
    parser.add_argument("--sample-bytes", type=int, default=1 << 20, help="compressed bytes of a piece (default: 1 MiB)")
    parser.add_argument("--cpu-hour", type=float, default=0.04, metavar="PRICE", help="price of a core hour (default: 0.04)")
    parser.add_argument("--show-config", action="store_true", help="print the resolved configuration as TOML and stop")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.settings.config import dump, load
    from pipelines.web import inputs
    from weft.exits import USAGE, Failure

    config = load(args.config, overrides(args))
    if args.show_config:
        print(dump(config), end="")
        return DONE
    folder = args.output or os.path.join("runs", config.run.name)
    try:
        units = inputs.units(config.input)
    except inputs.InputError as e:
        raise Failure(USAGE, str(e)) from e
    total = sum(unit_bytes(u) for u in units)
    states = stage_states(folder, config)
    found: dict[str, Any] = {
        "run": folder, "archives": len({u.path for u in units}), "units": len(units), "bytes": total,
        "engine": config.runner.name, "model": config.score.clip.model or None, "rules": len(config.filters), "stages": states,
    }  # fmt: skip
    if args.samples > 0 and states["extract"] == "run":
        found["estimate"] = vars(e) if (e := estimate(units, total, config, args)) else None
    if args.json:
        emit(found)
        return DONE
    show(found)
    return DONE


def show(found: dict[str, Any]) -> None:
    say(
        f"{count(found['archives'])} archives, {size(found['bytes'])} compressed, {count(found['units'])} units of work, engine {found['engine']}"
    )
    say(f"model {found['model'] or 'none (score.clip.model is empty)'}, {found['rules']} rules, run folder {found['run']}")
    table(found["stages"].items(), ["stage", "would"])
    if e := found.get("estimate"):
        say(
            f"extract, from {size(e['sampled_bytes'])} read: {count(e['pages'])} pages, {count(e['documents'])} documents left, "
            f"{count(e['images'])} images on them, {size(e['output_bytes'])} of tables"
        )
        say(
            f"         {e['cpu_hours']:.3g} CPU h ({e['cost']:.3g} at the given price), {seconds(e['wall_seconds'])} on this machine, +-{e['error']:.0%}"
        )


def unit_bytes(u: Any) -> int:
    """Compressed bytes of a unit, without opening remote files."""
    if u.pointers:
        return sum(n for _, _, n in u.pointers)
    if u.end < 1 << 62:
        return u.end - u.start
    return os.path.getsize(u.path) - u.start if os.path.exists(u.path) else 0


def stage_states(folder: str, config: Any) -> dict[str, str]:
    """skip (done for exactly this configuration) or run."""
    from pipelines.run import finished_stages

    return {name: "skip: done" if done else "run" for name, done in finished_stages(folder, config)}


@dataclass(frozen=True)
class Estimate:
    pages: int
    documents: int
    images: int
    output_bytes: int
    cpu_hours: float
    wall_seconds: float
    cost: float
    error: float  # two relative standard errors of the CPU time per byte
    sampled_bytes: int


def estimate(units: list[Any], total: int, config: Any, args: argparse.Namespace) -> Estimate | None:
    """Scaled up from pieces read here; None if there is no local gzip WARC to read pieces of."""
    pieces = choose(units, args.samples, args.sample_bytes)
    if not pieces:
        return None
    from pipelines.stages.extract import guard
    from pipelines.web.unit_work import read_unit

    sums = {"records": 0, "documents": 0, "images": 0, "bytes": 0, "cpu": 0.0}
    rates: list[float] = []
    with tempfile.TemporaryDirectory(prefix="weft-plan-") as root:
        warm = guard(config)
        read_unit(pieces[0], root, config, warm)  # starting the child and loading word lists is paid once a worker
        for piece in pieces:
            before, waited = cpu(warm), time.monotonic()
            written, facts = read_unit(piece, root, config, warm)
            spent, waited = cpu(warm) - before, time.monotonic() - waited
            rates.append(spent / (piece.end - piece.start))
            sums["cpu"] += spent
            sums["records"] += int(facts.get("records", 0))
            sums["images"] += int(facts.get("images", 0))
            sums["documents"] += sum(p.rows for n, p in written if n == "documents")
            sums["bytes"] += sum(p.bytes for _, p in written)
        warm.close()
    sampled = sum(p.end - p.start for p in pieces)
    scale = total / sampled
    mean = sum(rates) / len(rates)
    spread = math.sqrt(sum((r - mean) ** 2 for r in rates) / max(1, len(rates) - 1) / len(rates)) / mean if mean else 0.0
    hours = sums["cpu"] * scale / 3600
    cores = min(config.runner.workers or os.cpu_count() or 1, os.cpu_count() or 1, len(units))
    return Estimate(
        round(sums["records"] * scale), round(sums["documents"] * scale), round(sums["images"] * scale), round(sums["bytes"] * scale),
        hours, hours * 3600 / cores, hours * args.cpu_hour, max(0.05, 2 * spread), sampled,
    )  # fmt: skip


def cpu(guard: Any) -> float:
    """CPU seconds of this process and of the guarded child."""
    child = 0.0
    if (p := guard._process) is not None:
        with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
            ticks = f.read().rsplit(")", 1)[1].split()
        child = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    return time.process_time() + child


def choose(units: list[Any], samples: int, piece: int) -> list[Any]:
    """Evenly spaced pieces of local gzip archives."""
    from pipelines.web.inputs import Unit

    local = [u for u in units if not u.pointers and u.path.endswith(".warc.gz") and os.path.exists(u.path)]
    total = sum(unit_bytes(u) for u in local)
    out: list[Any] = []
    for i in range(samples if total else 0):
        at = total * (2 * i + 1) // (2 * samples)
        u = local[0]
        for u in local:
            if at < unit_bytes(u):
                break
            at -= unit_bytes(u)
        end = min(u.start + unit_bytes(u), u.start + at + piece)
        start = max(u.start, end - piece)
        if all(start >= o.end or end <= o.start or u.path != o.path for o in out):
            out.append(Unit(f"{i:05d}", u.path, start, end))
    return out
