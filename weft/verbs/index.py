"""weft index: the dedup index, what later crawls are compared with."""

from __future__ import annotations

import argparse

from weft.console import count, emit, say, table
from weft.exits import DONE, USAGE, Failure

EPILOG = """\
examples:
  weft index append s3://bucket/dedup-index runs/2024-22      what this run kept becomes known to later ones
  weft run weft.toml --set dedup.index='"s3://bucket/dedup-index"' -o runs/2024-26
  weft index list s3://bucket/dedup-index
  weft index drop s3://bucket/dedup-index 2024-18             as if that run had never been
  weft index compact s3://bucket/dedup-index                  one segment of many, without what was dropped

A run is known by its `run.name`. Appending it again replaces it. One writer at a time."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["append", "list", "drop", "compact"], help="append, list, drop or compact")
    parser.add_argument("index", help="folder of the index (any address that fsspec knows)")
    parser.add_argument("run", nargs="?", default=None, help="append: a run folder; drop: the name of a run in the index")
    parser.add_argument(
        "--partitions", type=int, default=64, help="append, for a new index: files to divide it into, a power of two (default: 64)"
    )
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    from pipelines.dedup import index

    if (args.run is None) == (args.action in ("append", "drop")):
        needed = {"append": "needs a run folder", "drop": "needs the name of a run"}
        raise Failure(USAGE, f"`weft index {args.action}` {needed.get(args.action, f'takes no run, got {args.run!r}')}")
    try:
        if args.action == "append":
            found = _append(args.index, args.run, args.partitions)
        else:
            settings = index.settings_of(args.index)
            if args.action == "drop":
                found = index.remove(args.index, args.run, settings)
            else:
                found = index.compact(args.index, settings) if args.action == "compact" else index.open_index(args.index, settings)
    except index.DedupIndexError as e:
        raise Failure(USAGE, str(e)) from e
    _show(found, args.json)
    return DONE


def _append(root: str, run: str, partitions: int):  # type: ignore[no-untyped-def]  # -> Index: its module is heavy
    from pipelines import storage
    from pipelines.dedup import index
    from pipelines.settings.config import parse
    from pipelines.shards.run_manifest import stages
    from pipelines.stage import Done
    from schemas import layout
    from schemas.manifest import ManifestError

    try:
        found = stages(run)
    except ManifestError as e:
        raise Failure(USAGE, str(e)) from e
    if "dedup" not in found:
        raise Failure(USAGE, f"{run}: stage dedup is not done; run `weft run` again to finish it")
    folder, manifest, _ = found["dedup"]
    path = storage.join(run, layout.CONFIG)
    config = parse(storage.read_bytes(path).decode(), path)
    done = Done(folder, manifest)
    tables = (t for u in manifest.parts["unit"] if (t := done.read("signatures", u)) is not None)
    return index.append(root, config.run.name, tables, config.dedup, partitions)


def _show(found, as_json: bool) -> None:  # type: ignore[no-untyped-def]
    segments = [
        {"segment": s.id, "runs": [r for r in s.runs if r not in s.removed], "dropped": list(s.removed), "documents": s.documents}
        for s in found.segments
    ]
    if as_json:
        emit(
            {"index": found.root, "runs": list(found.runs()), "scheme": found.scheme, "partitions": found.partitions, "segments": segments}
        )
        return
    if segments:
        table(
            [(s["segment"], s["documents"], " ".join(s["runs"]), " ".join(s["dropped"]) or "-") for s in segments],
            ("segment", "documents", "runs", "dropped"),
        )
    say(f"{count(len(found.runs()))} runs in {count(len(segments))} segments, {count(sum(s['documents'] for s in segments))} documents")
