"""The trainer's loader beside webdataset: samples per CPU-second from the same shards, in one run, and how full the packs are.

    weft bench load        or        python -m benchmarks.load [--documents N] [--json]

Shards are packed here by the pipeline's own writer: documents of a lognormal length and 2.5 pictures with photographs' spectrum (JPEG).
Both sides are one process with one thread and a warm cache; the median of `rounds` counts. Cases:
    raw        a document's members as bytes
    parsed     its JSON parsed as well: what every training reader needs, and the row that is held to >= 5
    pictures   and every picture as a uint8 tensor of the training size (longest side 378 or 980 px, aspect kept)
    batches    tokens, labels, patches, packed, with the pictures decoded: ours only, beside webdataset's `pictures`
Pictures are bound by JPEG's entropy decoding, which no reader of these bytes can leave out: the ratio says what scaled decoding still gives,
and a row beside that bare minimum says how much there is left to gain.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import tempfile
from collections.abc import Iterator
from typing import Any

from benchmarks.peers import beside, rates, show

FLOOR, FILL = 5.0, 0.99
SIZES = ((640, 480), (1024, 768), (1600, 1200))


def photo(seed: int, width: int, height: int, quality: int) -> bytes:
    """A JPEG with a photograph's spectrum (1/f): decoding it costs what a photograph costs."""
    import numpy as np
    from PIL import Image

    r = np.random.default_rng(seed)
    f = np.fft.fftfreq(height)[:, None] ** 2 + np.fft.fftfreq(width)[None] ** 2
    f[0, 0] = 1
    shared = np.fft.fft2(r.standard_normal((height, width)))
    channels = [np.fft.ifft2((0.8 * shared + 0.2 * np.fft.fft2(r.standard_normal((height, width)))) / f**0.55).real for _ in range(3)]
    x = np.stack(channels, -1)
    out = io.BytesIO()
    Image.fromarray(((x - x.mean()) / x.std() * 50 + 128).clip(0, 255).astype("uint8")).save(out, "JPEG", quality=quality)
    return out.getvalue()


def make(folder: str, documents: int, size: tuple[int, int], quality: int, seed: int = 0) -> str:
    """A run of shards. Returns its folder."""
    from pipelines.shards.document import Picture, members
    from pipelines.shards.writer import ShardWriter
    from schemas.layout import MANIFEST
    from schemas.manifest import RunManifest, dumps_run
    from schemas.shard import ESTIMATE

    r = random.Random(seed)
    pool = [photo(seed + i, *size, quality) for i in range(4)]
    shards, per = [], max(1, -(-documents // 4))
    for number in range(-(-documents // per)):
        with ShardWriter(os.path.join(folder, "shards"), "train", number) as writer:
            for d in range(number * per, min((number + 1) * per, documents)):
                pieces: list[Any] = []
                for n in range(r.randint(2, 5)):
                    words = max(5, int(r.lognormvariate(4.6, 0.9)))
                    pieces.append(" ".join(r.choice(("of", "landscape", "a", "photograph", "which", "shows")) for _ in range(words)))
                    if n < 4 and r.random() < 0.72:
                        pieces.append(Picture(pool[r.randrange(4)], "jpeg", "0" * 64, *size))
                writer.add(*members(f"{d:032x}", {"language": "en", "domain": "x.example"}, pieces, {}))
            shards.append(writer.close())
    with open(os.path.join(folder, MANIFEST), "wb") as f:
        f.write(dumps_run(RunManifest("bench", {}, {}, {}, {}, {}, {}, {}, tuple(shards), ESTIMATE)))
    return folder


def recipe(run: str, side: int, out: str) -> Any:
    from trainer.config import parse

    stage = f"[[stage]]\ntokens = 8192\npatches = 100000\nimages = {{ rule = 'native', side = {side} }}\n"
    return parse(f"[data]\nshards = '{run}'\ncache = '{out}'\n[model.vision]\npatch = 14\npositions = 70\n{stage}", "benchmark")


def webdataset(run: str, decoder: str | None = None) -> Iterator[dict]:
    """Stock webdataset over the run's shards: the members as bytes, or decoded as its handlers do it."""
    import webdataset as wds

    folder = os.path.join(run, "shards")
    tars = [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".tar")]
    data = wds.WebDataset(tars, shardshuffle=False)
    return iter(data if decoder is None else data.decode(decoder) if decoder else data.decode())


def pictures_by_webdataset(run: str, decoder: str, reader: Any) -> int:
    """PIL's resize for PIL images, torchvision's for tensors: the two usual ways, to the size that our loader gives."""
    import numpy as np
    import torch
    from PIL import Image
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    n = 0
    for sample in webdataset(run, decoder):
        for value in (v for k, v in sample.items() if k.endswith("jpg")):
            w, h = value.size if decoder == "pilrgb" else (value.shape[2], value.shape[1])
            rows, cols = reader.costs.grids(w, h)[0]
            size = [rows * reader.costs.patch, cols * reader.costs.patch]
            if decoder == "pilrgb":
                torch.from_numpy(np.array(value.resize((size[1], size[0]), Image.Resampling.BICUBIC))).permute(2, 0, 1)
            else:
                resize(value, size, interpolation=InterpolationMode.BICUBIC, antialias=True)
        n += 1
    return n


def pictures_by_transformers(run: str, images: Any, patch: int) -> int:
    """Idefics2's own processor, set as our loader is: resized, normalised and padded tensors."""
    from trainer.hf_processor import image_processor

    prepare = image_processor(images, patch)
    n = 0
    for sample in webdataset(run, "pilrgb"):
        if found := [v for k, v in sample.items() if k.endswith("jpg")]:
            prepare([found], return_tensors="pt")
        n += 1
    return n


def ours(run: str, reader: Any, what: str) -> int:
    """Documents read by index, in the plan's kind of order: at random."""
    from trainer.image import decode
    from trainer.index import read_bytes, read_json
    from trainer.read import Row
    from trainer.text import page_nodes

    entries = list(reader.sources[0].entries)
    random.Random(0).shuffle(entries)
    row = Row(reader)
    for entry in entries:
        data = read_bytes(entry)
        files = {name: data[at : at + size] for name, at, size in entry.members}
        if what == "raw":
            continue
        doc = read_json(entry, data)
        if what == "parsed":
            continue
        if what == "eighth":
            for name in filter(None, doc["images"]):
                decode(files[name], (1, 1))
            continue
        for node in page_nodes({**doc, "texts": [None] * len(doc["texts"])}, reader.tok):
            row.picture(files[doc["images"][node.image]], node)
    return len(entries)


def reading(folder: str, documents: int, rounds: int) -> list[dict[str, Any]]:
    """Raw and parsed samples, and the fill of the plan over the same documents."""
    from trainer.read import stream
    from trainer.setup import Corpus

    run = make(folder, documents, SIZES[0], 50)
    made = recipe(run, 378, os.path.join(folder, "cache"))
    corpus = Corpus(made)
    reader = corpus.reader(made.stage[0])
    found = rates({
        "raw": lambda: ours(run, reader, "raw"), "wds raw": lambda: sum(1 for _ in webdataset(run)),
        "parsed": lambda: ours(run, reader, "parsed"), "wds parsed": lambda: sum(1 for _ in webdataset(run, "")),
    }, rounds)  # fmt: skip
    plan = corpus.plan(made.stage[0])
    packs = list(plan.epoch(0, 0))
    planned = sum(s.tokens for p in packs for s in p) / (plan.tokens * len(packs))
    some = list(stream(plan, reader, list(range(min(8, len(packs))))))
    real = sum(len(b.tokens) for b in some) / (plan.tokens * len(some))
    return [
        beside("documents as bytes", "docs/CPU-s", found["raw"], found["wds raw"], "webdataset", FLOOR),
        beside("documents, JSON parsed", "docs/CPU-s", found["parsed"], found["wds parsed"], "webdataset .decode()", FLOOR),
        {
            **beside(f"fill of a pack of 8,192 tokens ({documents:,} documents in one window)", "", planned, None, "", None),
            "ok": planned >= FILL,
        },
        beside("fill, counted in the tensors of 8 packs", "", real, None, "", None),
    ]


def pictures(folder: str, size: tuple[int, int], side: int, documents: int, rounds: int) -> list[dict[str, Any]]:
    """Samples with their pictures as tensors of the training size."""
    from trainer.read import stream
    from trainer.setup import Corpus

    run = make(os.path.join(folder, f"{size[0]}"), documents, size, 85) if not os.path.isdir(os.path.join(folder, f"{size[0]}")) else None
    run = run or os.path.join(folder, f"{size[0]}")
    made = recipe(run, side, os.path.join(folder, "cache"))
    corpus = Corpus(made)
    reader, plan = corpus.reader(made.stage[0]), corpus.plan(made.stage[0])
    packs = len(list(plan.epoch(0, 0)))

    def batches() -> int:
        for _ in stream(plan, reader, list(range(packs))):
            pass
        return documents

    found = rates({
        "least": lambda: ours(run, reader, "eighth"), "ours": lambda: ours(run, reader, "pictures"), "batches": batches,
        "pil": lambda: pictures_by_webdataset(run, "pilrgb", reader), "torch": lambda: pictures_by_webdataset(run, "torchrgb8", reader),
        "transformers": lambda: pictures_by_transformers(run, made.stage[0].images, reader.costs.patch),
    }, rounds)  # fmt: skip
    what = f"pictures of {size[0]} px to {side} px"
    return [
        beside(what, "docs/CPU-s", found["ours"], found["pil"], 'webdataset "pilrgb", PIL resize', None),
        beside(what, "docs/CPU-s", found["ours"], found["torch"], 'webdataset "torchrgb8", torchvision resize', None),
        beside(
            what,
            "docs/CPU-s",
            found["ours"],
            found["least"],
            "our reading, and the same JPEGs decoded to 1/8 and thrown away: entropy decoding and little more",
            None,
        ),
        beside(
            f"{what}, as packed batches", "docs/CPU-s", found["batches"], found["pil"], 'webdataset "pilrgb", PIL resize, unpacked', None
        ),
        beside(
            f"{what}, as packed batches",
            "docs/CPU-s",
            found["batches"],
            found["transformers"],
            'webdataset "pilrgb", Idefics2ImageProcessor of transformers, unpacked',
            None,
        ),
    ]


def main(json: bool = False, documents: int = 1500, rounds: int = 3, seen: int = 32) -> int:
    """Measure, print, and say by the exit code (1) whether a floor was missed."""
    import torch

    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += reading(os.path.join(folder, "read"), documents, rounds)
        for size in SIZES:
            for side in (378, 980):
                rows += pictures(os.path.join(folder, "pictures"), size, side, seen, rounds)
    return show(rows, ("webdataset", "transformers", "torch", "torchvision", "simplejpeg", "pillow"), json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--documents", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    raise SystemExit(main(a.json, a.documents, a.rounds))
