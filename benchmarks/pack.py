"""Stage pack's own work on one shard beside `cp` and `tar` of the same bytes: `python -m benchmarks.pack [--json] [--images N]`.

Ours: rows decoded, pictures read out of fetch's blobs, their sha256 and headers checked, tar and indexes written with their hashes, fsync.
Theirs: the pictures and the documents' JSON as files, copied with `cp -r` and then put into a tar. Alternating rounds on the wall
clock, because theirs are processes of their own; medians.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.peers import rates, row, seconds, show
from pipelines.shards.fill import Blobs, fill
from pipelines.shards.locate import Place
from pipelines.shards.rows import Body, Piece, encode
from pipelines.shards.writer import ShardWriter

PER_DOCUMENT = 3
FLOOR = 0.8


def pictures(count: int) -> list[bytes]:
    """JPEGs of some 140 kB; a few drawn ones, each made different by bytes behind its end, which decoders do not read."""
    drawn = []
    for i in range(8):
        noise = np.random.default_rng(i).integers(0, 256, (75, 100, 3), np.uint8)
        out = io.BytesIO()
        Image.fromarray(noise).resize((1000, 750), Image.Resampling.BICUBIC).save(out, "JPEG", quality=95)
        drawn.append(out.getvalue())
    return [drawn[i % 8] + i.to_bytes(8, "big") for i in range(count)]


def make(folder: Path, count: int) -> tuple[list[dict[str, Any]], Path, int]:
    """(rows of the shard, folder of the same as files, bytes)."""
    files, blob, rows, at = folder / "files", folder / "blob.bin", [], 0
    files.mkdir()
    shown = pictures(count)
    blob.write_bytes(b"".join(shown))
    for d in range(count // PER_DOCUMENT):
        key, pieces = f"{d:032x}", [Piece(0, "some words of a paragraph " * 60)]
        for i in range(PER_DOCUMENT):
            data = shown[d * PER_DOCUMENT + i]
            place = Place(blob.name, at, len(data), hashlib.sha256(data).hexdigest())
            pieces += [
                Piece(2 * i + 1, None, "https://i.example/x.jpg", "alt", "", 0.3, "0" * 32, place),
                Piece(2 * i + 2, "more words " * 40),
            ]
            (files / f"{key}.{2 * i + 1}.jpg").write_bytes(data)
            at += len(data)
        body = encode(Body({"language": "en", "domain": "a.example"}, pieces, {}))
        (files / f"{key}.json").write_bytes(body if isinstance(body, bytes) else body.encode())
        rows.append({"doc_id": key, "unit": "00000", "row": d, "body": body})
    return rows, files, sum(p.stat().st_size for p in files.iterdir())


def main(json: bool = False, images: int = 900, rounds: int = 5) -> int:
    """Measure and print; 1 if we are slower than four fifths of cp and tar."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows, files, size = make(folder, images)

        def ours() -> int:
            with ShardWriter(str(folder / "shards"), "train", 0) as writer, Blobs(str(folder)) as blobs:
                entry, lost, _ = fill(writer, rows, blobs, "weft-00000")
            if entry is None or lost:
                raise RuntimeError(f"not all was packed: {lost[:2]}")
            shutil.rmtree(folder / "shards")
            return size

        def theirs() -> int:
            subprocess.run(["cp", "-r", str(files), str(folder / "copy")], check=True)
            subprocess.run(["tar", "cf", str(folder / "copy.tar"), "-C", str(folder), "copy"], check=True)
            shutil.rmtree(folder / "copy")
            (folder / "copy.tar").unlink()
            return size

        rate = rates({"ours": ours, "cp and tar": theirs}, rounds, seconds)
    found = row(
        "packing a shard", "cp and tar", rate["ours"] / 1e6, "MB/s", rate["ours"] / rate["cp and tar"], FLOOR, f"{size / 1e6:.0f} MB"
    )
    return show([found], ("pyarrow", "numpy"), json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=900)
    arguments = parser.parse_args()
    sys.exit(main(arguments.json, arguments.images))
