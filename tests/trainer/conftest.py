"""A small run of shards made by hand: the trainer is tested without the pipeline."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.manifest import Part, RunManifest, ShardEntry, dumps_run
from schemas.shard import ESTIMATE, index_schema


def picture(seed: int, width: int, height: int) -> bytes:
    from PIL import Image

    r = random.Random(seed)
    im = Image.new("RGB", (width, height), tuple(r.randrange(256) for _ in range(3)))
    im.paste(tuple(r.randrange(256) for _ in range(3)), (width // 4, height // 4, width // 2, height // 2))
    out = io.BytesIO()
    im.save(out, ("PNG", "JPEG", "WEBP")[seed % 3])
    return out.getvalue()


def make_run(folder: Path, documents: int = 24, shards: int = 2, broken: frozenset[int] = frozenset()) -> Path:
    """Documents of 1 to 6 nodes, a picture in two of three; the pictures of `broken` are no pictures."""
    r, entries = random.Random(1), []
    (folder / "shards").mkdir(parents=True)
    for s in range(shards):
        raw, rows, at = io.BytesIO(), [], 0
        tar = tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT)
        for d in range(s, documents, shards):
            key = hashlib.md5(str(d).encode()).hexdigest()
            texts, images, widths, heights, files = [], [], [], [], []
            for n in range(r.randint(1, 6)):
                if n % 3 == 1 and d % 3:
                    w, h = r.choice([(28, 28), (60, 30), (30, 75), (50, 50)])
                    name = f"{key}.{n}.{('png', 'jpg', 'webp')[d % 3]}"
                    texts.append(None), images.append(name), widths.append(w), heights.append(h)
                    files.append((name, b"\xff\xd8\xffbroken" if d in broken else picture(d, w, h)))
                else:
                    texts.append("".join(r.choice("abcdefgh ") for _ in range(r.randint(3, 40))))
                    images.append(None), widths.append(None), heights.append(None)
            doc = {"texts": texts, "images": images, "image_width": widths, "image_height": heights}
            members = []
            for name, data in [(f"{key}.json", json.dumps(doc).encode()), *files]:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                members.append({"name": name, "offset": raw.tell() + 512, "size": len(data)})
                tar.addfile(info, io.BytesIO(data))
            end = raw.tell()
            crc = zlib.crc32(raw.getvalue()[at:end])
            rows.append([key, at, end - at, members, len(texts), 0, 0, len(files), [], [], [], 0.0, "en", "x.example", crc])
            at = end
        tar.close()
        data = raw.getvalue()
        sha = hashlib.sha256(data).hexdigest()
        stem = f"weft-{s:05d}-{sha[:12]}"
        (folder / "shards" / f"{stem}.tar").write_bytes(data)
        schema = index_schema(ESTIMATE)
        file = folder / "shards" / f"{stem}.index.parquet"
        pq.write_table(pa.table([pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), schema, strict=True)], schema=schema), file)
        index = Part(file.name, len(rows), file.stat().st_size, hashlib.sha256(file.read_bytes()).hexdigest())
        entries.append(ShardEntry(f"weft-{s:05d}", "train", f"{stem}.tar", len(data), sha, len(rows), 0, 0, 0, 0, index, index))
    manifest = RunManifest("t", {}, {}, {}, {}, {}, {}, {}, tuple(entries), ESTIMATE)
    (folder / "manifest.json").write_bytes(dumps_run(manifest))
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run") / "run")


TINY = """
[model]
fusion = "ar"
[model.vision]
width = 24
depth = 1
heads = 2
mlp = 32
positions = 4
[model.connector]
latents = 3
depth = 1
heads = 2
kv_heads = 1
head_dim = 8
[model.decoder]
width = 32
depth = 2
heads = 4
kv_heads = 2
head_dim = 8
mlp = 48
[[stage]]
steps = 12
tokens = 192
patches = 128
packs = 4
warmup = 2
images = { rule = "native", side = 56 }
[run]
log_every = 1000
"""


@pytest.fixture
def tiny(small_run: Path, tmp_path: Path):
    """Makes a tiny recipe on the small run; arguments are overrides."""
    from trainer.config import parse

    def make(*overrides: str, out: str = "out"):
        return parse(TINY, "tiny", [f'data.shards="{small_run}"', f'run.out="{tmp_path / out}"', *overrides])

    return make


@pytest.fixture
def run_maker():
    return make_run
