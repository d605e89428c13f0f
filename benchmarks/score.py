"""Decoding, measuring and scoring beside peers: `python -m benchmarks.score [--json] [--images FOLDER] [--model NAME]`.

One core each, the same files, alternating rounds, medians. A peer that is not installed is left out; WEFT_PEERS names a site-packages
folder to look for it in as well (searched last). Pictures are those of `--images`, or of `images_dev` in the folder of real data (WEFT_DATA,
`shared/data` beside the checkout). Where there are none, pictures are made here: all of one size, too small for JPEG's scaled decoding, so no
ratio is asked of them.

Cases: decode + all measures, the same with the model's input on top, and that through the guarded child, against img2dataset's Resizer
(decode, resize to 384, JPEG); the whole of scoring, from blobs and documents to tables, against the model alone on prepared images and texts, with
untrained weights.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import beside, look_in_peers, rates, real_data, seconds, show

FLOORS = {"measure": 2.0, "end to end": 0.9}
PACKAGES = ("torch", "open_clip_torch", "opencv-python-headless", "simplejpeg", "pillow", "img2dataset")
ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def pictures(folder: str, count: int) -> list[bytes]:
    """The files of a folder in the formats that img2dataset reads, or made ones."""
    if folder:
        return [p.read_bytes() for p in sorted(Path(folder).iterdir()) if p.suffix.lower() in ENDINGS][:count]
    import numpy as np
    from PIL import Image

    out = []
    for i in range(count):
        small = np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8)
        image = Image.fromarray(small).resize((1000, 680), Image.Resampling.BICUBIC)
        buffer = io.BytesIO()
        image.save(buffer, ("JPEG", "JPEG", "PNG", "WEBP")[i % 4])
        out.append(buffer.getvalue())
    return out


def measure_rows(files: Sequence[bytes], kind: str, rounds: int) -> list[dict[str, Any]]:
    """Decode and measure against img2dataset's resizer; twice its speed is asked on real pictures."""
    from pipelines.guard import Guard, GuardLimits
    from pipelines.images.decode import MAKE, SEEN, DecodeSetup, make
    from pipelines.images.prepare import Target
    from pipelines.settings.score import ScoreSettings

    formats, side = ("jpeg", "png", "webp", "gif"), ScoreSettings().working_side
    setup = DecodeSetup(formats, 50_000_000, 64 << 20, side, target=Target(224, 224)).dump()
    guard = Guard(MAKE, GuardLimits(memory_bytes=2 << 30), setup=setup)

    def ours(one: Callable[[bytes], bytes]) -> int:
        for data in files:
            try:
                one(SEEN + data)
            except (OSError, ValueError):  # a damaged file: the peer counts it too
                pass
        return len(files)

    bare, seen = make(DecodeSetup(formats, 50_000_000, 64 << 20, side).dump()), make(setup)
    cases: dict[str, Callable[[], int]] = {
        "bare": lambda: ours(bare), "seen": lambda: ours(seen), "guarded": lambda: sum(1 for _ in guard.map((SEEN + d for d in files), batch=16)),
    }  # fmt: skip
    try:
        from img2dataset.resizer import Resizer

        resizer = Resizer(384, "keep_ratio", False)
        cases["img2dataset"] = lambda: sum(1 for d in files if resizer(io.BytesIO(d)))
    except ImportError as e:
        print(f"img2dataset is left out: {e}", file=sys.stderr)
    with guard:
        for case in cases.values():  # once, so that every import is done
            case()
        found = rates(cases, rounds, seconds)
    peer = found.get("img2dataset")
    what, name = f"{len(files)} {kind} pictures", "img2dataset Resizer"
    return [
        beside(f"decode + all measures, {what}", "images/s", found["bare"], peer, name, FLOORS["measure"] if kind == "real" else None),
        beside("the same + the model's 224 px input", "images/s", found["seen"], peer, name, None),
        beside("the same through the guarded child (2 processes)", "images/s", found["guarded"], peer, name, None),
    ]


def end_to_end(files: Sequence[bytes], model: str, device: str, rounds: int) -> dict[str, Any]:
    """The whole of scoring (see `score_whole`) against the bare model on the same images and texts."""
    from benchmarks.score_whole import measure

    decoders = 1 if device == "cpu" else max(1, (os.cpu_count() or 2) - 1)
    found, what = measure(files, model, device, decoders, rounds)
    return beside(
        f"scoring end to end, {what}", "images/s", found["ours"], found["bare"], "the model alone, images and texts", FLOORS["end to end"]
    )


def text_encoding(model: str, device: str, rounds: int) -> dict[str, Any]:
    """Texts of a page's length against the same model without leaving padding out."""
    from pipelines.models.clip import load
    from pipelines.settings.score import ClipSettings

    clip = load(ClipSettings(model=model, pretrained="random", device=device, threads=1 if device == "cpu" else 0))
    texts = [f"picture {i} of " + "some words that stand beside it " * (1 + i % 4) for i in range(clip.batch * 2)]
    tokens = clip.tokenize(texts)

    def full() -> int:
        trims, clip._text.trims = clip._text.trims, False
        clip.tokens(tokens)
        clip._text.trims = trims
        return len(texts)

    def ours() -> int:
        clip.texts(texts)
        return len(texts)

    full(), ours()
    found = rates({"full": full, "ours": ours}, rounds, seconds)
    return beside(f"texts of 12 to 36 tokens, {model}", "texts/s", found["ours"], found["full"], "the model alone, padded", 1.0)


def main(json: bool = False, images: str = "", model: str = "ViT-B-32", count: int = 200, rounds: int = 3, device: str = "auto") -> int:
    """Measure, print, and say by the exit code (1) whether a ratio fell below its floor."""
    look_in_peers()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # img2dataset's import would ask a server for its latest version
    real = real_data() / "images_dev"
    folder = images or (str(real) if real.is_dir() else "")
    files = pictures(folder, count)
    if not files:
        print(f"no pictures in {folder!r}: give a folder of JPEG, PNG or WebP files", file=sys.stderr)
        return 2
    rows = measure_rows(files, "real" if folder else "made", rounds)
    if model:
        import torch

        chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        rows += [end_to_end(files, model, chosen, rounds), text_encoding(model, chosen, rounds)]
    return show(rows, PACKAGES, json)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", default="", help="folder of real pictures (default: images_dev of the real data)")
    parser.add_argument("--model", default="ViT-B-32", help='model with untrained weights; "" = none')
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    a = parser.parse_args()
    raise SystemExit(main(a.json, a.images, a.model, a.count, a.rounds, a.device))
