"""Near-duplicate search beside its peers: `python -m benchmarks.dedup [--json] [--documents N] [--case CASE]`.

One process, one thread, the same generated texts, alternating rounds, medians. A peer that is not installed is left out; WEFT_PEERS names a
site-packages folder to look for them in as well.
datatrove is measured on a sample and scaled up, because its tokeniser makes it minutes; the row says so.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dedup_corpus import texts, write_documents
from benchmarks.peers import cpu_seconds, look_in_peers, peer, rates, row, show

CASES = ("signatures", "flat", "hot", "whole")
PACKAGES = ("numpy", "numba", "datasketch", "rensa", "datatrove")
FLOORS = {"datatrove": 25.0, "rensa": 1.0, "end to end": 5.0}


def main(json: bool = False, documents: int = 100_000, cases: Sequence[str] = CASES) -> int:
    """Measure, print, and say by the exit code (1) whether a ratio fell below its floor."""
    look_in_peers()
    made = {
        "signatures": signature_rows,
        "flat": lambda: [flat_row()],
        "hot": lambda: [hot_row()],
        "whole": lambda: end_to_end_rows(documents),
    }
    return show([r for c in cases for r in made[c]()], PACKAGES, json)


_TOKEN = re.compile(r"\w+")


def python_shingles(text: str) -> set[str]:
    """What a user of rensa or datasketch writes: the same tokens (on these texts) and 5-grams in plain Python."""
    tokens = _TOKEN.findall(text.lower())
    return {" ".join(tokens[i : i + 5]) for i in range(len(tokens) - 4)}


def signature_rows(count: int = 2_000) -> list[dict[str, Any]]:
    from pipelines.dedup.minhash import signatures
    from pipelines.dedup.shingles import Texts, shingles

    corpus = texts(count)

    def ours() -> int:
        signatures(*shingles(Texts.of(corpus)), 112)
        return count

    work: dict[str, Callable[[], int]] = {"ours": ours}
    if peer("rensa"):
        work["rensa"] = lambda: len([rensa_signature(t) for t in corpus[:400]])
    if peer("datasketch") and peer("xxhash"):
        work["datasketch"] = lambda: len(datasketch_signatures(corpus[:200]))
    if (trove := datatrove_signature()) is not None:
        work["datatrove"] = lambda: len([trove(t) for t in corpus[:60]])
    for step in work.values():  # a warm-up each
        step()
    found = rates(work)
    return [
        row("signatures with tokenising", name, found["ours"], "documents/s", found["ours"] / rate, FLOORS.get(name))
        for name, rate in found.items()
        if name != "ours"
    ]


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


def synthetic_signatures(count: int, seed: int = 3) -> np.ndarray:
    """Random signatures, one document in five a copy of another with a tenth of its values changed."""
    rng = np.random.default_rng(seed)
    out = rng.integers(0, 1 << 32, (count, 112), dtype=np.uint32)
    copies = rng.choice(count, count // 5, replace=False)
    out[copies] = out[rng.integers(0, count, len(copies))]
    out[copies[:, None], rng.integers(0, 112, (len(copies), 11))] = rng.integers(0, 1 << 32, (len(copies), 11), dtype=np.uint32)
    return out


def match(signature: np.ndarray, per_bucket: int = 10_000) -> int:
    """Bands, buckets and candidate pairs, partitioned as the stage does it; how many pairs."""
    from pipelines.dedup.bands import candidates, distinct
    from pipelines.dedup.keys import by_part, part_of
    from pipelines.dedup.minhash import band_keys

    place = np.arange(len(signature), dtype=np.uint64)
    buckets = max(1, len(signature) // per_bucket)
    parts: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(buckets)]
    for begin in range(0, len(signature), per_bucket):  # a unit
        keys = band_keys(signature[begin : begin + per_bucket], 14, 8)
        rows = np.repeat(place[begin : begin + per_bucket], 14)
        keys = keys.reshape(-1)
        to = part_of(keys, buckets)
        order, bounds = by_part(to, buckets)
        keys, rows = keys[order], rows[order]
        for b in range(buckets):
            parts[b].append((keys[bounds[b] : bounds[b + 1]], rows[bounds[b] : bounds[b + 1]]))
    pairs = 0
    for part in parts:
        keys, rows = (np.concatenate(x) for x in zip(*part, strict=True))
        a, b, _ = candidates(keys, rows, rows)
        pairs += len(distinct(a, b)[0])
    return pairs


def flat_row(sizes: Sequence[int] = (10_000, 100_000, 1_000_000), rounds: int = 3) -> dict[str, Any]:
    """Microseconds per document at each number of signatures; ratio = the cheapest size to the dearest (1 = flat). Every size matches as
    many documents in all, in corpora of their own (the same small corpus again and again would only measure warm caches); of
    alternating rounds the least counts, because a busy machine only adds."""
    match(synthetic_signatures(1_000))
    best = dict.fromkeys(sizes, float("inf"))
    for _ in range(rounds):
        for count in sizes:
            corpora = max(sizes) // count
            seconds = 0.0
            for seed in range(corpora):
                signature = synthetic_signatures(count, seed)
                seconds += cpu_seconds(lambda s=signature: match(s))
            best[count] = min(best[count], 1e6 * seconds / (count * corpora))
    note = ", ".join(f"{n:,}: {us:.2f} us" for n, us in best.items())
    ratio = min(best.values()) / max(best.values())
    return row("matching, time per document", "itself at other sizes", 1e6 / best[sizes[-1]], "documents/s", ratio, 1 / 1.3, note)


def hot_row(count: int = 200_000) -> dict[str, Any]:
    """Half of all documents share one band; ratio = time without them in one bucket to time with."""
    cold = synthetic_signatures(count)
    hot = cold.copy()
    hot[: count // 2, :8] = 7
    seconds = {name: statistics.median(cpu_seconds(lambda s=s: match(s)) for _ in range(3)) for name, s in (("cold", cold), ("hot", hot))}
    return row(
        "half the corpus in one bucket", "itself without", count / seconds["hot"], "documents/s", seconds["cold"] / seconds["hot"], 0.33
    )


def end_to_end_rows(count: int, per_unit: int = 10_000) -> list[dict[str, Any]]:
    """Near-dedup of `count` documents: our stage, through Beam, from its input folder to its tables; datasketch: read the same files,
    sign, insert and query an in-memory LSH, union. Signatures of datatrove alone, scaled from a sample."""
    with tempfile.TemporaryDirectory() as folder:
        extract = write_documents(Path(folder), count, per_unit)
        ours = cpu_seconds(lambda: our_stage(folder, extract))
        rate = count / ours
        out = []
        if peer("datasketch") and peer("xxhash"):
            theirs = cpu_seconds(lambda: datasketch_dedup(extract))
            out.append(
                row(f"near-dedup of {count:,}", "datasketch in-memory LSH", rate, "documents/s", theirs / ours, FLOORS["end to end"])
            )
        if (trove := datatrove_signature()) is not None:
            sample = texts(100, seed=9)
            theirs = cpu_seconds(lambda: [trove(t) for t in sample]) * count / len(sample)
            note = "only its first of four stages, scaled from 100 documents"
            out.append(
                row(f"near-dedup of {count:,}", "datatrove (lower bound)", rate, "documents/s", theirs / ours, FLOORS["end to end"], note)
            )
        return out


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
    parser.add_argument("--case", action="append", choices=CASES, help="measure only these (repeatable)")
    arguments = parser.parse_args()
    sys.exit(main(arguments.json, arguments.documents, arguments.case or CASES))
