"""weft status RUN: how far a run is; works beside a running one."""

from __future__ import annotations

import argparse
from typing import Any

from weft.console import emit, say, seconds, table
from weft.exits import USAGE, Failure


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines import storage
    from schemas import layout

    if not storage.exists(storage.join(args.run, layout.CONFIG)):
        raise Failure(USAGE, f"{args.run!r} is not a run folder: {layout.CONFIG} is missing")
    rows = stages(args.run)
    complete = storage.exists(storage.join(args.run, layout.MANIFEST))
    if args.json:
        emit({"run": args.run, "published": complete, "stages": rows})
        return 0
    table([[r["stage"], r["state"], r["parts"], seconds(r["seconds"]) if r["seconds"] is not None else "", r["counts"]] for r in rows],
          ["stage", "state", "parts", "time", "kept of entered"])  # fmt: skip
    say("published" if complete else "not published yet; run the same `weft run` command again to go on")
    return 0


def stages(run: str) -> list[dict[str, Any]]:
    """One row per stage: done | partial | waiting, from manifests and receipts."""
    import json

    from pipelines import storage
    from pipelines.run import stage
    from pipelines.so_far import SoFar
    from schemas import layout
    from schemas.manifest import loads_stage

    out: list[dict[str, Any]] = []
    for name in layout.STAGES:
        root = storage.join(run, layout.STAGE_DIR, name)
        row: dict[str, Any] = {"stage": name, "state": "waiting", "parts": "", "seconds": None, "counts": ""}
        folders = sorted(storage.listing(root), key=lambda d: storage.modified(storage.join(root, d)))
        if folders:
            here = storage.join(root, folders[-1])
            manifest = storage.join(here, layout.STAGE_MANIFEST)
            groups = storage.listing(storage.join(here, "parts"))
            written = sum(len(storage.listing(storage.join(here, "parts", g))) for g in groups)
            row["state"], row["parts"] = ("done" if storage.exists(manifest) else "partial"), str(written)
            if row["state"] == "partial":
                found = SoFar(here).look()
                row["counts"] = stage(name).so_far(found.facts, found.rows) if found.parts else ""
            else:
                m = loads_stage(storage.read_bytes(manifest), manifest)
                row["counts"] = "; ".join(f"{k} {c.kept:,} of {c.entered:,}" for k, c in m.counts.items())
                row["seconds"] = json.loads(storage.read_bytes(storage.join(here, "timing.json")))["seconds"]
        out.append(row)
    return out
