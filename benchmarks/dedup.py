"""Near-duplicate search beside its peers: `python -m benchmarks.dedup [--json] [--documents N]`.

One process, one thread, the same generated texts, alternating rounds, medians. A peer that is not installed is left out; the environment
variable WEFT_PEERS names a site-packages folder to look for them in as well (searched last, so that our own versions win).
datatrove is measured on a sample and scaled up, because its tokeniser makes it minutes; the row says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json as jsonlib
import os
import random
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WORDS = 1_000  # per document: 6.7 kB, as the pages that bench.md was measured on
FLOORS = {"datatrove": 25.0, "rensa": 1.0, "end to end": 5.0}


def texts(count: int, words: int = WORDS, seed: int = 1, repeats: float = 0.2) -> list[str]:
    """Documents of random words with Zipf frequencies; a share of them are edits of an earlier one."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("etaoinshrdlucmfw"))
    vocabulary = np.array(["".join(rng.choice(letters, rng.integers(2, 10))) for _ in range(20_000)])
    out: list[str] = []
    for i in range(count):
        if i and rng.random() < repeats:
            tokens = out[int(rng.integers(max(0, i - 1_000), i))].split(" ")
            for at in rng.integers(0, len(tokens), 8):
                tokens[at] = f"w{rng.integers(1 << 30)}"
            out.append(" ".join(tokens))
        else:
            out.append(" ".join(vocabulary[np.minimum(rng.zipf(1.2, words), 20_000) - 1]))
    return out


def main(json: bool = False, documents: int = 100_000) -> int:
    """Measure, print, and say by the exit code (1) whether a ratio fell below its floor."""
    if folder := os.environ.get("WEFT_PEERS"):
        sys.path.append(folder)
    rows = [*signature_rows(), flat_row(), hot_row(), *end_to_end_rows(documents)]
    for row in rows:
        row["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        row["versions"] = versions()
        row["ok"] = row["floor_ratio"] is None or row["ratio"] is None or row["ratio"] >= row["floor_ratio"]
    if json:
        print(jsonlib.dumps(rows, indent=1))
    else:
        for r in rows:
            ratio, floor = _show(r["ratio"]), _show(r["floor_ratio"])
            print(f"{r['case']:32} {r['peer']:26} ours {r['ours']:>11,.1f} {r['unit']:12} ratio {ratio:>7} floor {floor:>6} "
                  f"{'' if r['ok'] else 'BELOW '}{r['note']}")  # fmt: skip
    return 0 if all(r["ok"] for r in rows) else 1


def _show(x: float | None) -> str:
    return "-" if x is None else f"{x:.2f}"


def versions() -> dict[str, str]:
    out = {}
    for name in ("numpy", "numba", "datasketch", "rensa", "datatrove"):
        try:
            out[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return out


def peer(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def timed(work: Callable[[], Any]) -> float:
    """CPU seconds of this process, all threads: what a busy machine does not change much."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def rates(count: dict[str, int], work: dict[str, Callable[[], Any]], rounds: int = 3) -> dict[str, float]:
    """Documents per second of each, median over alternating rounds after a warm-up of ours."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, step in work.items():
            seconds[name].append(timed(step))
    return {name: count[name] / statistics.median(s) for name, s in seconds.items()}


_TOKEN = re.compile(r"\w+")


def python_shingles(text: str) -> set[str]:
    """What a user of rensa or datasketch writes: the same tokens (on these texts) and 5-grams in plain Python."""
    tokens = _TOKEN.findall(text.lower())
    return {" ".join(tokens[i : i + 5]) for i in range(len(tokens) - 4)}


def signature_rows(count: int = 2_000) -> list[dict[str, Any]]:
    from pipelines.dedup.minhash import signatures
    from pipelines.dedup.shingles import Texts, shingles

    corpus = texts(count)

    def ours() -> None:
        signatures(*shingles(Texts.of(corpus)), 112)

    work: dict[str, Callable[[], Any]] = {"ours": ours}
    counts = {"ours": count}
    if peer("rensa"):
        counts["rensa"], work["rensa"] = 400, lambda: [rensa_signature(t) for t in corpus[:400]]
    if peer("datasketch") and peer("xxhash"):
        counts["datasketch"], work["datasketch"] = 200, lambda: datasketch_signatures(corpus[:200])
    if (trove := datatrove_signature()) is not None:
        counts["datatrove"], work["datatrove"] = 60, lambda: [trove(t) for t in corpus[:60]]
    ours()
    for name in ("rensa", "datasketch", "datatrove"):
        if name in work:
            work[name]()
    found = rates(counts, work)
    return [
        row("signatures with tokenising", name, found["ours"], "documents/s", found["ours"] / rate, FLOORS.get(name))
        for name, rate in found.items()
        if name != "ours"
    ]


def row(case: str, peer_name: str, ours: float, unit: str, ratio: float | None, floor: float | None, note: str = "") -> dict[str, Any]:
    return {"case": case, "peer": peer_name, "ours": ours, "unit": unit, "ratio": ratio, "floor_ratio": floor, "note": note}


def rensa_signature(text: str) -> Any:
    from rensa import RMinHash

    m = RMinHash(num_perm=112, seed=1)
    m.update(list(python_shingles(text)))
    return m.digest()


def datasketch_signatures(corpus: list[str]) -> list[Any]:
    import xxhash
    from datasketch import MinHash

    shingled = ([s.encode() for s in python_shingles(t)] for t in corpus)
    return list(MinHash.generator(shingled, num_perm=112, seed=1, hashfunc=xxhash.xxh32_intdigest))


def datatrove_signature() -> Callable[[str], Any] | None:
    if not peer("datatrove"):
        return None
    try:
        from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

        step = MinhashDedupSignature(tempfile.mkdtemp(), MinhashConfig())
        digest = importlib.import_module("xxhash").xxh64_intdigest
        step._hash_func = lambda text: digest(text.encode())  # its own passes str, which xxhash 4 refuses
        step.get_signature(step.get_shingles("one two three four five six"))
    except ImportError as e:
        print(f"datatrove is installed but does not start ({e}): left out", file=sys.stderr)
        return None
    return lambda text: step.get_signature(step.get_shingles(text))


def synthetic_signatures(count: int) -> np.ndarray:
    """Random signatures, one document in five a copy of another with a tenth of its values changed."""
    rng = np.random.default_rng(3)
    out = rng.integers(0, 1 << 32, (count, 112), dtype=np.uint32)
    copies = rng.choice(count, count // 5, replace=False)
    out[copies] = out[rng.integers(0, count, len(copies))]
    out[copies[:, None], rng.integers(0, 112, (len(copies), 11))] = rng.integers(0, 1 << 32, (len(copies), 11), dtype=np.uint32)
    return out


def match(signature: np.ndarray, per_bucket: int = 10_000) -> int:
    """Bands, buckets and candidate pairs, partitioned as the stage does it; how many pairs."""
    from pipelines.dedup.bands import candidates, distinct
    from pipelines.dedup.keys import by_part
    from pipelines.dedup.minhash import band_keys

    place = np.arange(len(signature), dtype=np.uint64)
    buckets = max(1, len(signature) // per_bucket)
    parts: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(buckets)]
    for begin in range(0, len(signature), per_bucket):  # a unit
        keys = band_keys(signature[begin : begin + per_bucket], 14, 8)
        rows = np.repeat(place[begin : begin + per_bucket], 14)
        keys = keys.reshape(-1)
        to = (keys % np.uint64(buckets)).astype(np.int64)
        order = by_part(to, buckets)
        bounds = np.searchsorted(to[order], np.arange(buckets + 1))
        keys, rows = keys[order], rows[order]
        for b in range(buckets):
            parts[b].append((keys[bounds[b] : bounds[b + 1]], rows[bounds[b] : bounds[b + 1]]))
    pairs = 0
    for part in parts:
        keys, rows = (np.concatenate(x) for x in zip(*part, strict=True))
        a, b, _ = candidates(keys, rows, rows)
        pairs += len(distinct(a, b)[0])
    return pairs


def flat_row() -> dict[str, Any]:
    """Microseconds per document at 10,000, 100,000 and 1,000,000 signatures; ratio = the first to the last (1 = flat)."""
    match(synthetic_signatures(1_000))
    per = {}
    for count in (10_000, 100_000, 1_000_000):
        signature = synthetic_signatures(count)
        rounds = max(1, min(9, 300_000 // count))
        per[count] = 1e6 * statistics.median(timed(lambda s=signature: match(s)) for _ in range(rounds)) / count
    note = ", ".join(f"{n:,}: {us:.2f} us" for n, us in per.items())
    return row(
        "matching, time per document", "itself at 10,000", 1e6 / per[1_000_000], "documents/s", per[10_000] / per[1_000_000], 1 / 1.3, note
    )


def hot_row(count: int = 200_000) -> dict[str, Any]:
    """Half of all documents share one band; ratio = time without them in one bucket to time with."""
    cold = synthetic_signatures(count)
    hot = cold.copy()
    hot[: count // 2, :8] = 7
    seconds = {name: statistics.median(timed(lambda s=s: match(s)) for _ in range(3)) for name, s in (("cold", cold), ("hot", hot))}
    return row(
        "half the corpus in one bucket", "itself without", count / seconds["hot"], "documents/s", seconds["cold"] / seconds["hot"], 0.33
    )


def end_to_end_rows(count: int, per_unit: int = 10_000) -> list[dict[str, Any]]:
    """Near-dedup of `count` documents: our stage, through Beam, from its input folder to its tables; datasketch: read the same files,
    sign, insert and query an in-memory LSH, union. Signatures of datatrove alone, scaled from a sample."""
    with tempfile.TemporaryDirectory() as folder:
        extract = write_documents(Path(folder), count, per_unit)
        ours = timed(lambda: our_stage(folder, extract))
        rate = count / ours
        out = []
        if peer("datasketch") and peer("xxhash"):
            theirs = timed(lambda: datasketch_dedup(extract))
            out.append(
                row(f"near-dedup of {count:,}", "datasketch in-memory LSH", rate, "documents/s", theirs / ours, FLOORS["end to end"])
            )
        if (trove := datatrove_signature()) is not None:
            sample = texts(100, seed=9)
            theirs = timed(lambda: [trove(t) for t in sample]) * count / len(sample)
            note = "only its first of four stages, scaled from 100 documents"
            out.append(
                row(f"near-dedup of {count:,}", "datatrove (lower bound)", rate, "documents/s", theirs / ours, FLOORS["end to end"], note)
            )
        return out


def write_documents(folder: Path, count: int, per_unit: int) -> Any:
    """An extract folder: rows with one paragraph of text."""
    import pyarrow as pa

    from pipelines import storage
    from pipelines.stage import Done
    from schemas.ids import doc_id
    from schemas.manifest import StageManifest
    from schemas.tables import schema

    rng = random.Random(1)
    parts, names = [], []
    for unit in range(-(-count // per_unit)):
        corpus = texts(min(per_unit, count - unit * per_unit), seed=unit)
        name = f"{unit:05d}"
        rows = [
            {"doc_id": doc_id(f"http://h.example/{unit}/{i}", "", ""), "url": "", "domain": "h.example",
             "canonical_url": f"http://h{rng.randrange(500)}.example/{unit}/{i}", "fetched_at": "2024-05-01T00:00:00Z",
             "nodes": [{"index": 0, "kind": "text", "text": t, "reason": ""}]}
            for i, t in enumerate(corpus)
        ]  # fmt: skip
        parts.append(
            storage.write_table(
                str(folder / "extract"), f"documents/{name}.parquet", pa.Table.from_pylist(rows, schema=schema("documents"))
            )
        )
        names.append(name)
    return Done(
        str(folder / "extract"), StageManifest("extract", "0" * 16, {}, {}, "", {"unit": tuple(names)}, {"documents": tuple(parts)}, {})
    )


def our_stage(folder: str, extract: Any) -> None:
    from pipelines.settings.config import build
    from pipelines.stage import execute
    from pipelines.stages.dedup import DedupStage

    settings = build({"runner": {"workers": 1}}, "bench")
    execute(DedupStage(), os.path.join(folder, "run"), settings, {"extract": extract})


def datasketch_dedup(extract: Any) -> int:
    from datasketch import MinHashLSH

    lsh = MinHashLSH(num_perm=112, params=(14, 8))
    parent: dict[str, str] = {}

    def root(x: str) -> str:
        while parent[x] != x:
            parent[x] = x = parent[parent[x]]
        return x

    for unit in extract.manifest.parts["unit"]:
        table = extract.read("documents", unit, ["doc_id", "nodes"])
        for begin in range(0, len(table), 1_000):
            part = table.slice(begin, 1_000).to_pylist()
            for r, m in zip(part, datasketch_signatures([r["nodes"][0]["text"] for r in part]), strict=True):
                parent[r["doc_id"]] = r["doc_id"]
                for other in lsh.query(m):
                    parent[root(r["doc_id"])] = root(other)
                lsh.insert(r["doc_id"], m, check_duplication=False)
    return len({root(x) for x in parent})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--documents", type=int, default=100_000)
    arguments = parser.parse_args()
    sys.exit(main(arguments.json, arguments.documents))
