"""Random damage to a published run: does `verify` name every fault? And how fast does it read?

    weft bench verify        or        python -m benchmarks.verify [--faults N] [--json]

Each fault is made in a copy of a small, really packed run, verified and undone. It counts as named if a fault is reported for
a file that was touched. Speed is compared with `sha256` alone over the same bytes: the most that any checker can do.
"""

from __future__ import annotations

import argparse
import hashlib
import json as jsonlib
import os
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from pipelines.shards.run_manifest import stages
from pipelines.shards.verify import verify
from schemas import layout
from schemas.manifest import loads_run

KINDS = ("bit_flip", "truncation", "append", "swap", "rename", "missing", "extra", "stale_manifest", "swapped_documents")
FAULTS = 10_000


class Damage:
    """Makes one fault in a run and undoes it."""

    def __init__(self, run: str, older_manifest: bytes):
        self.run, self.older = run, older_manifest
        with open(os.path.join(run, layout.MANIFEST), "rb") as f:
            self.manifest = loads_run(f.read(), run)
        self.files = sorted(self._named())
        self._undo: list[Callable[[], None]] = []

    def _named(self) -> set[str]:
        m, out = self.manifest, {layout.MANIFEST}
        out |= {f"{m.shard_folder}/{f.path}" for f in m.files}
        out |= {f"{m.shard_folder}/{n}" for s in m.shards for n in (s.tar, s.index.path, s.energon.path)}
        for name, (root, stage, _) in stages(self.run).items():
            relative = os.path.relpath(root, self.run)
            out.add(f"{relative}/{layout.STAGE_MANIFEST}")
            parts = (p.path for ps in stage.tables.values() for p in ps)
            out |= {f"{relative}/{p}" for p in parts if not (name == "pack" and p.startswith(f"{layout.SHARDS}/"))}
        return out

    def make(self, kind: str, rng: random.Random) -> set[str]:
        """Damage the run; the files touched, any of which may be named."""
        return getattr(self, f"_{kind}")(rng)

    def undo(self) -> None:
        while self._undo:
            self._undo.pop()()

    def _path(self, relative: str) -> str:
        return os.path.join(self.run, relative)

    def _rewrite(self, relative: str, change: Callable[[bytearray], bytes | bytearray]) -> None:
        path = self._path(relative)
        with open(path, "rb") as f:
            was = f.read()
        with open(path, "wb") as f:
            f.write(change(bytearray(was)))

        def back() -> None:
            with open(path, "wb") as f:
                f.write(was)

        self._undo.append(back)

    def _bit_flip(self, rng: random.Random) -> set[str]:
        chosen = rng.choice(self.files)

        def flip(data: bytearray) -> bytearray:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return data

        self._rewrite(chosen, flip)
        return {chosen}

    def _truncation(self, rng: random.Random) -> set[str]:
        chosen = rng.choice(self.files)
        self._rewrite(chosen, lambda data: data[: rng.randrange(len(data))])
        return {chosen}

    def _append(self, rng: random.Random) -> set[str]:
        chosen = rng.choice(self.files)
        self._rewrite(chosen, lambda data: data + rng.randbytes(rng.randrange(1, 2000)))
        return {chosen}

    def _swap(self, rng: random.Random) -> set[str]:
        while True:
            a, b = rng.sample(self.files, 2)
            x, y = (open(self._path(p), "rb").read() for p in (a, b))
            if x != y:
                break
        self._rewrite(a, lambda _: y)
        self._rewrite(b, lambda _: x)
        return {a, b}

    def _rename(self, rng: random.Random) -> set[str]:
        chosen = rng.choice([f for f in self.files if f.startswith(f"{layout.SHARDS}/")])
        other = f"{chosen}.{rng.randrange(10)}"
        os.rename(self._path(chosen), self._path(other))
        self._undo.append(lambda: os.rename(self._path(other), self._path(chosen)))
        return {chosen, other}

    def _missing(self, rng: random.Random) -> set[str]:
        chosen = rng.choice(self.files)
        aside = self._path(chosen) + ".aside"
        kept = os.path.join(os.path.dirname(self.run), os.path.basename(aside))
        os.rename(self._path(chosen), kept)
        self._undo.append(lambda: os.rename(kept, self._path(chosen)))
        return {chosen}

    def _extra(self, rng: random.Random) -> set[str]:
        name = rng.choice(["weft-00777-0123456789ab.tar", "notes.txt", ".weft-00000.tmp", ".nv-meta/index.bin", "weft-00000.tar"])
        extra = f"{layout.SHARDS}/{name}"
        with open(self._path(extra), "wb") as f:
            f.write(rng.randbytes(100))
        self._undo.append(lambda: os.unlink(self._path(extra)))
        return {extra}

    def _stale_manifest(self, rng: random.Random) -> set[str]:
        self._rewrite(layout.MANIFEST, lambda _: self.older)
        return {layout.MANIFEST, *self.files}

    def _swapped_documents(self, rng: random.Random) -> set[str]:
        """Two documents of a shard change places, the tar staying well-formed."""
        import pyarrow.parquet as pq

        entry = rng.choice([s for s in self.manifest.shards if s.documents > 1])
        rows = pq.read_table(self._path(f"{layout.SHARDS}/{entry.index.path}"), columns=["byte_offset", "byte_size"]).to_pylist()
        i, j = sorted(rng.sample(range(len(rows)), 2))
        spans = [(r["byte_offset"], r["byte_offset"] + r["byte_size"]) for r in rows]
        spans[i], spans[j] = spans[j], spans[i]
        chosen = f"{layout.SHARDS}/{entry.tar}"
        self._rewrite(chosen, lambda data: b"".join(bytes(data[a:b]) for a, b in spans) + bytes(data[max(b for _, b in spans) :]))
        return {chosen}


def inject(run: str, older_manifest: bytes, n: int, seed: int = 0) -> tuple[Counter[str], list[tuple[str, set[str], Any]]]:
    """n random faults, one at a time; how many of each kind, and those that were not named."""
    rng, damage = random.Random(seed), Damage(run, older_manifest)
    made: Counter[str] = Counter()
    missed = []
    for i in range(n):
        kind = KINDS[i % len(KINDS)]
        touched = damage.make(kind, rng)
        report = verify(run)
        damage.undo()
        made[kind] += 1
        if not any(f.file in touched for f in report.faults):
            missed.append((kind, touched, report.faults[:3]))
    if faults := verify(run).faults:
        raise RuntimeError(f"the run was not restored: {faults[:3]}")
    return made, missed


def make_run(folder: str, documents: int = 9) -> tuple[str, bytes]:
    """A small packed and published run, and the manifest of a run before it with other documents."""
    from pipelines.shards.run_manifest import publish
    from tests.support.tables import packed

    older = os.path.join(folder, "older")
    packed(older, documents, seed=1, shard_bytes=120_000)
    publish(older)
    run = os.path.join(folder, "run")
    packed(run, documents, seed=0, shard_bytes=120_000)
    publish(run)
    copy = os.path.join(folder, "copy")  # without hard links between stage and shard folder
    shutil.copytree(run, copy)
    with open(os.path.join(older, layout.MANIFEST), "rb") as f:
        return copy, f.read()


def speed(folder: str, megabytes: int = 256) -> dict[str, Any]:
    """verify beside sha256 alone, over shards of realistic documents (a shard written for it)."""
    from pipelines.shards.check import check
    from pipelines.shards.document import Picture, members
    from pipelines.shards.writer import ShardWriter

    rng = random.Random(0)
    fields = {"language": "en", "domain": "a.example"}
    with ShardWriter(folder, "train", 0) as writer:
        for i in range(megabytes * 1_000_000 // 150_000):
            shown = [Picture(rng.randbytes(48_000), "jpeg", "0" * 64, 640, 480) for _ in range(3)]
            writer.add(*members(f"{i:032x}", fields, ["some words of text " * 100, shown[0], "more " * 200, *shown[1:]], {}))
        entry = writer.close()
    import pyarrow.parquet as pq

    index, path = pq.read_table(os.path.join(folder, entry.index.path)), os.path.join(folder, entry.tar)

    def ours() -> None:
        with open(path, "rb") as f:
            faults, _ = check(f, entry.bytes, entry, index, "shards")
        if faults:
            raise RuntimeError(str(faults[:3]))

    def bare() -> None:
        with open(path, "rb") as f:
            hashlib.file_digest(f, "sha256")

    best = {"ours": 1e9, "peer": 1e9}
    for _ in range(5):
        for name, run in (("ours", ours), ("peer", bare)):
            begin = time.process_time()
            run()
            best[name] = min(best[name], time.process_time() - begin)
    a, b = (entry.bytes / best[n] / 1e6 for n in ("ours", "peer"))
    return {"case": "verify against sha256 alone", "ours": a, "peer": b, "unit": "MB/s per core", "ratio": a / b, "floor_ratio": 0.25,
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "versions": {"python": sys.version.split()[0]}}  # fmt: skip


def main(json: bool = False, faults: int = FAULTS, seed: int = 0) -> int:
    """Print the figures; 1 if a fault was missed or verify is slower than its floor."""
    with tempfile.TemporaryDirectory() as folder:
        rate = speed(os.path.join(folder, "speed"))
        made, missed = inject(*make_run(folder), faults, seed)
    rows = [rate, {"case": "faults named", "ours": sum(made.values()) - len(missed), "peer": sum(made.values()), "unit": "faults",
                   "ratio": 1 - len(missed) / max(1, sum(made.values())), "floor_ratio": 1.0, "kinds": dict(made)}]  # fmt: skip
    if json:
        print(jsonlib.dumps(rows, indent=1))
    else:
        print(f"verify: {rate['ours']:.0f} MB/s per core, sha256 alone {rate['peer']:.0f} (ratio {rate['ratio']:.2f})")
        print(f"{sum(made.values()) - len(missed)} of {sum(made.values())} faults named: {dict(made)}")
        for kind, touched, found in missed[:20]:
            print(f"  missed {kind} of {sorted(touched)}: {found}")
    return int(bool(missed) or rate["ratio"] < rate["floor_ratio"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=FAULTS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seed", type=int, default=0, help="which faults")
    arguments = parser.parse_args()
    sys.exit(main(arguments.json, arguments.faults, arguments.seed))
