"""A disk that fills up in the middle of a run: a tmpfs of a given size under the run folder.

    python -m tests.faults.disk [--sizes N]        (needs the right to mount)

For sizes from almost nothing to almost enough: the run must end with 4 (environment) and a sentence, leave no half file, and end like an
undisturbed one once the disk has room again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults import chain, golden


@contextmanager
def tmpfs(at: Path, size: int) -> Generator[None]:
    """A disk of `size` bytes. PermissionError where this user may not mount."""
    at.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        at.rmdir()
        raise PermissionError(done.stderr.strip() or "cannot mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)
        at.rmdir()


def grow(at: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(at)], check=True)


def campaign(scratch: Path, sizes: int) -> dict[str, Any]:
    """One trial a size; exit codes, what was said, and everything that was wrong."""
    from demo import build
    from demo.server import serve

    web = build(scratch / "web", 50, 7)
    codes: list[int] = []
    said: set[str] = set()
    wrong: list[str] = []
    with serve(web) as server:
        command = [sys.executable, "-m", "tests.faults.chain", str(scratch / "web"), str(server.port)]
        plain = scratch / "plain"
        subprocess.run([*command, str(plain), "1", *chain.PLAIN], check=True)
        whole, public = golden.files(plain), golden.published(plain)
        needs = used(plain)
        for i in range(sizes):
            size = max(1 << 16, needs * (2 * i + 1) // (2 * sizes))
            with tmpfs(scratch / "disk", size):
                run = scratch / "disk" / "run"
                done = subprocess.run([*command, str(run), "1", *chain.PLAIN], capture_output=True, text=True, check=False)
                codes.append(done.returncode)
                said.add(done.stderr.strip().splitlines()[-1][:160] if done.stderr.strip() else "")
                if done.returncode not in (0, 4):
                    wrong.append(f"{size} bytes: exit {done.returncode}: {done.stderr.strip()[-300:]}")
                wrong += [f"{size} bytes: {h}" for h in golden.half(run, whole)] if run.exists() else []
                grow(scratch / "disk", needs * 4)
                again = subprocess.run([*command, str(run), "1", *chain.PLAIN], capture_output=True, text=True, check=False)
                if again.returncode or golden.published(run) != public:
                    wrong.append(
                        f"{size} bytes: with room again exit {again.returncode}, {golden.published(run) == public}: {again.stderr.strip()[-300:]}"
                    )
                wrong += [f"{size} bytes: {b}" for b in golden.unbalanced(run)]
    return {"needs": needs, "codes": codes, "said": sorted(said), "wrong": wrong}


def used(folder: Path) -> int:
    """Bytes on a disk of 4 KiB pages."""
    return sum(-(-os.path.getsize(os.path.join(f, n)) // 4096) * 4096 for f, _, names in os.walk(folder) for n in names)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.disk")
    parser.add_argument("--sizes", type=int, default=12)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            row = campaign(Path(scratch), args.sizes)
        except PermissionError as e:
            print(f"no disk can be mounted here: {e}", file=sys.stderr)
            return 4
    print(json.dumps(row))
    return int(bool(row["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
