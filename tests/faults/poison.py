"""Records that kill whoever measures them, in every way there is: each becomes one dead letter, and nothing else changes.

    python -m tests.faults.poison [--each N] [--seed S]

A copy of the project gets one rule more, which dies of words that stand in the poisoned pages: by exception, recursion, segmentation fault, abort,
exhausted memory, an endless loop in Python, one in C, a runaway regular expression, an endless generator, a call of exit. The run over clean and poisoned
pages is compared with the run over the clean ones alone; then the rule is mended, `weft retry --dead` says of each dead letter that it is read
now, and the run is repeated: nothing dies any more.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "filters", "pipelines", "audit", "demo", "configs", "weft", "tests")
KINDS = ("exception", "recursion", "segfault", "abort", "memory", "loop", "hang", "regex", "generator", "exit")
RULE = '''
"""A rule that dies of what it reads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from filters.base import Limit, Measures, TextRule, Unit
from filters.text.document import DocumentView

_WORD = re.compile(r"poisoned by ([a-z]+)")


@dataclass(frozen=True)
class Poison(TextRule):
    """0, or death."""

    name: ClassVar[str] = "document.poison"
    unit: ClassVar[Unit] = Unit.DOCUMENT
    source: ClassVar[str] = "tests/faults/poison.py"
    measures: ClassVar[tuple[str, ...]] = ("doc_poison",)
    parameters: ClassVar[tuple[str, ...]] = ("mended",)
    mended: bool = False

    def measure(self, item: DocumentView) -> Measures:
        found = None if self.mended else _WORD.search(item.text)
        if found:
            die(found[1])
        return {"doc_poison": 0.0}

    def limits(self) -> tuple[Limit, ...]:
        return ()


def die(how: str) -> None:
    import ctypes
    import os
    import time

    if how == "exception":
        raise RuntimeError("poison")
    if how == "recursion":
        die(how)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()
    if how == "memory":
        hold = []
        while True:
            hold.append(bytearray(64 << 20))
    if how == "loop":
        while True:
            pass
    if how == "hang":
        time.sleep(10_000)
    if how == "regex":
        re.match(r"(a+)+$", "a" * 64 + "b")
    if how == "generator":
        for _ in iter(int, 1):
            pass
    if how == "exit":
        os._exit(0)
'''


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.poison", description=__doc__)
    parser.add_argument("--each", type=int, default=30, help="poisoned pages of each kind (default: 30)")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        row = trial(Path(scratch), args.each, args.seed)
    print(json.dumps(row))
    return int(bool(row["wrong"]))


def trial(scratch: Path, each: int, seed: int) -> dict[str, Any]:
    """One run over clean pages, one with the poison, one with the rule mended; counts and everything that was wrong."""
    project = copy_of_the_project(scratch / "project")
    pages = scratch / "pages"
    pages.mkdir()
    clean = [page(i, "") for i in range(40)]
    poison = [page(1000 + i, KINDS[i % len(KINDS)]) for i in range(each * len(KINDS))]
    mixed = [*clean, *poison]
    random.Random(seed).shuffle(mixed)
    (pages / "clean.warc.gz").write_bytes(b"".join(clean))
    (pages / "mixed.warc.gz").write_bytes(b"".join(mixed))
    wrong: list[str] = []
    for name, mended in (("clean", False), ("mixed", False), ("mended", True)):
        code = run(project, pages / ("clean" if name == "clean" else "mixed"), scratch / name, mended)
        if code:
            wrong.append(f"the {name} run ended with {code}")
    dead = letters(scratch / "mixed")
    if len(dead) != len(poison):
        wrong.append(f"{len(dead)} dead letters of {len(poison)} poisoned pages")
    for d in dead:
        how = d["url"].rpartition("/")[2].partition("-")[0]
        if how not in KINDS or d["stage"] != "extract" or not d["kind"] or d["offset"] < 0 or d["length"] <= 0:
            wrong.append(f"dead letter without stage, kind or pointer: {d}")
    if rest(scratch / "mixed") != rest(scratch / "clean"):
        wrong.append("what is kept beside the poison differs from the clean run")
    code, replayed = retry(project, scratch / "mixed")
    if code or len(replayed) != len(poison) or any(r["now"] or not r["was"] for r in replayed):
        wrong.append(f"retry --dead ended with {code}: {sum(not r['now'] for r in replayed)} of {len(poison)} dead letters are read now")
    if letters(scratch / "mended"):
        wrong.append("dead letters after the rule was mended")
    if len(rest(scratch / "mended")) != len(mixed):
        wrong.append(f"{len(rest(scratch / 'mended'))} of {len(mixed)} pages after the rule was mended")
    kinds = Counter(f"{d['url'].rpartition('/')[2].partition('-')[0]}: {d['kind']}" for d in dead)
    return {"seed": seed, "poisoned": len(poison), "dead": dict(sorted(kinds.items())), "read_by_retry": len(replayed), "wrong": wrong}


def copy_of_the_project(folder: Path) -> Path:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.png", "found"))
    (folder / "filters" / "document" / "poison.py").write_text(RULE)
    return folder


def page(number: int, how: str) -> bytes:
    """One gzipped WARC record of a page with plain words and a picture."""
    words = " ".join(f"This is sentence {i} of page {number}, and it says that the weather was fine in the valley." for i in range(12))
    poison = f"<p>This page was poisoned by {how} and whoever reads it dies of that.</p>" if how else ""
    html = f"<!doctype html><title>Page {number}</title><article><h1>Page {number}</h1><p>{words}</p>{poison}<img src=/p{number}.jpg alt='a valley'></article>"
    body = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html.encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://www.example.org/{how or 'clean'}-{number}\r\nWARC-Date: 2026-01-01T00:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-{number:012d}>\r\nContent-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return gzip.compress(head.encode() + body + b"\r\n\r\n", mtime=0)


def run(project: Path, warc: Path, out: Path, mended: bool) -> int:
    """The stage extract over one archive, in the copy of the project."""
    settings = out.with_suffix(".toml")
    settings.write_text(
        f"[run]\nmax_failure_share = 1.0\n[extract]\npage_seconds = 1\nmemory_bytes = 1500000000\nrequire_image = false\n"
        f'[fetch]\ncontact = "a@example.org"\n[filters."document.poison"]\nmended = {str(mended).lower()}\n'
    )
    command = [
        sys.executable,
        "-m",
        "weft.main",
        "run",
        str(settings),
        f"{warc}.warc.gz",
        "-o",
        str(out),
        "--only",
        "extract",
        "--quiet",
        "--workers",
        "1",
    ]
    env = {**os.environ, "PYTHONPATH": str(project)}
    return subprocess.run(command, cwd=project, env=env, check=False, timeout=3600).returncode


def retry(project: Path, out: Path) -> tuple[int, list[dict[str, Any]]]:
    """Exit code of `weft retry --dead` with the rule mended, and what it says of each dead letter."""
    command = [sys.executable, "-m", "weft.main", "retry", str(out), "--dead", "--json", "--set", 'filters."document.poison".mended=true']
    env = {**os.environ, "PYTHONPATH": str(project)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False, timeout=3600)
    return done.returncode, json.loads(done.stdout)["letters"] if done.stdout else []


def letters(out: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [row for p in out.glob("stages/extract/*/dead/*.parquet") for row in pq.read_table(p).to_pylist()]


def rest(out: Path) -> dict[str, Any]:
    """The measured documents by URL, without where they stood in the archive."""
    import pyarrow.parquet as pq

    loose = ("warc_path", "warc_offset", "record", "row", "unit")
    rows = [r for p in out.glob("stages/extract/*/document_measures/*.parquet") for r in pq.read_table(p).to_pylist()]
    return {
        r["url"]: {k: v for k, v in r.items() if k not in loose}
        for r in rows
        if r["first_reason"] is None or "dead" not in str(r["first_reason"])
    }


if __name__ == "__main__":
    sys.exit(main())
