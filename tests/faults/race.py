"""Two attempts at the same run at the same time, and every bundle done more than once.

    python -m tests.faults.race [--times N] [--seed S]

Both attempts may end well, or one may give way (exit 3); nothing may differ from an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults import chain, golden

REPEAT = "runner.options={direct_runner_bundle_repeat=2}"


def campaign(scratch: Path, times: int, seed: int) -> dict[str, Any]:
    """`times` races with the second attempt begun a random moment after the first, then one run with repeated bundles."""
    from demo import build
    from demo.server import serve

    rng, web, wrong, codes = random.Random(seed), build(scratch / "web", 50, 7), [], []
    with serve(web) as server:

        def attempt(run: Path, *more: str) -> list[str]:
            return [sys.executable, "-m", "tests.faults.chain", str(scratch / "web"), str(server.port), str(run), "1", *chain.PLAIN, *more]

        subprocess.run(attempt(scratch / "plain"), check=True)
        whole, public = golden.files(scratch / "plain"), golden.published(scratch / "plain")
        for i in range(times):
            run, pause = scratch / f"race-{i}", rng.uniform(0, 12)
            first = subprocess.Popen(attempt(run), stderr=subprocess.PIPE, text=True)
            time.sleep(pause)
            second = subprocess.Popen(attempt(run), stderr=subprocess.PIPE, text=True)
            ended = [(p.communicate()[1].strip()[-300:], p.returncode) for p in (first, second)]
            codes.append(sorted(c for _, c in ended))
            if codes[-1][0] != 0 or codes[-1][1] not in (0, 3):
                wrong.append(f"race {i}, {pause:.1f} s apart: {ended}")
            wrong += [f"race {i}: {x}" for x in [*golden.half(run, whole), *golden.unbalanced(run)]]
            if golden.published(run) != public:
                wrong.append(f"race {i}: other shards or manifests")
        repeated = scratch / "repeated"
        subprocess.run(attempt(repeated, REPEAT), check=True)
        wrong += [f"repeated bundles: {n}" for n, h in golden.published(repeated).items() if public.get(n) != h]
    return {"seed": seed, "races": times, "codes": codes, "wrong": wrong}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.race")
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        row = campaign(Path(scratch), args.times, args.seed)
    print(json.dumps(row))
    return int(bool(row["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
