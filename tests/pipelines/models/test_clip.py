"""Our encoders against open_clip's own transforms and towers, with random weights; what may not be loaded says so."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")

from pipelines.images.decode import SEEN, DecodeSetup, make, unpack  # noqa: E402
from pipelines.models.clip import Clip, ModelError, load, of, revision_of, weights_file  # noqa: E402
from pipelines.settings.score import ClipSettings  # noqa: E402
from tests.support.pictures import encoded, scene  # noqa: E402

CLIP_FOLDER = Path(__file__).parents[3] / "demo" / "clip"
TEXTS = ["a", "three red circles", "A picture of two yellow squares on a pale background, and much else besides that nobody asked for."]


def random_model(name: str, **preprocess: object) -> tuple[object, object, Clip]:
    torch.manual_seed(0)
    model, _, transform = open_clip.create_model_and_transforms(name, pretrained=None, pretrained_text=False, **preprocess)
    model.eval()
    return model, transform, of(model, None, ClipSettings(model=name, dtype="float32", batch=4))


def tokens_for(clip: Clip, vocabulary: int) -> object:
    """Token rows as a byte-pair tokenizer makes them: start, words, end, zeros."""
    out = torch.zeros(5, clip.context, dtype=torch.long)
    generator = torch.Generator().manual_seed(1)
    for i, n in enumerate((1, 5, 30, clip.context - 2, 9)):
        out[i, 0] = vocabulary - 2
        out[i, 1 : n + 1] = torch.randint(1, min(1000, vocabulary - 3), (n,), generator=generator)
        out[i, n + 1] = vocabulary - 1
    return out


def distance(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a.astype(np.float64), b.astype(np.float64)
    return float((1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).max())


def parity(name: str, **preprocess: object) -> None:
    model, transform, clip = random_model(name, **preprocess)
    pictures = [scene(640, 427, 1), scene(300, 801, 2), scene(1000, 1000, 3)]
    files = [encoded(p, "JPEG", quality=92) for p in pictures] + [encoded(scene(500, 400, 4), "PNG")]
    import io

    with torch.inference_mode():
        want = model.encode_image(torch.stack([transform(Image.open(io.BytesIO(f)).convert("RGB")) for f in files]), normalize=True).numpy()
    for exact, most in ((True, 1e-6), (False, 1e-3)):
        one = make(DecodeSetup(("jpeg", "png"), 50_000_000, 1 << 26, 336, exact, target=clip.target).dump())
        pixels = np.stack([unpack(one(SEEN + f), clip.target)[1] for f in files])
        assert distance(clip.images(pixels), want) <= most, (name, exact)
    tokens = tokens_for(clip, model.text.vocab_size if hasattr(model, "text") else model.vocab_size)
    with torch.inference_mode():
        text = model.encode_text(tokens, normalize=True).numpy()
    assert distance(clip.tokens(tokens), text) <= 1e-6


def test_parity_with_the_demo_model():
    open_clip.add_model_config(str(CLIP_FOLDER))
    parity("weft-demo-clip")


@pytest.mark.slow  # 150 M to 200 M random weights each
@pytest.mark.parametrize("name, preprocess", [
    ("ViT-B-32", {}), ("ViT-B-16-SigLIP", {"image_resize_mode": "squash", "image_mean": (0.5,) * 3, "image_std": (0.5,) * 3}), ("MobileCLIP-S1", {}),
])  # fmt: skip
def test_parity_with_open_clip(name, preprocess):
    parity(name, **preprocess)


def demo(**more: object) -> ClipSettings:
    return ClipSettings(
        **{"model": "weft-demo-clip", "config_dir": str(CLIP_FOLDER), "pretrained": str(CLIP_FOLDER / "weft-demo-clip.safetensors"), **more}
    )


def test_equal_texts_are_computed_once_and_order_does_not_matter():
    clip = load(demo())
    one = clip.texts([*TEXTS, TEXTS[0]])
    assert (one[0] == one[3]).all() and np.abs(np.linalg.norm(one, axis=1) - 1).max() < 1e-6
    assert np.abs(clip.texts(TEXTS[::-1])[::-1] - one[:3]).max() < 1e-6
    assert clip.texts([]).shape[0] == 0 and clip.images(np.zeros((0, 64, 64, 3), np.uint8)).shape[0] == 0


def test_leaving_padding_out_changes_nothing():
    clip = load(demo())
    assert clip._text.trims
    short = clip.texts(TEXTS[:2])
    with torch.inference_mode():
        full = clip.model.encode_text(clip.tokenize(TEXTS[:2]), normalize=True).numpy()
    assert distance(short, full) < 1e-6


def test_bfloat16_is_near():
    a, b = load(demo()), load(demo(dtype="bfloat16"))
    pixels = np.stack([np.asarray(Image.fromarray(scene(64, 64, i))) for i in range(4)])
    assert distance(a.images(pixels), b.images(pixels)) < 5e-3
    assert b.facts["dtype"] == "bfloat16"


@pytest.mark.parametrize("settings, words", [
    ({"model": "ViT-B-33", "pretrained": "x"}, "near are .*ViT-B-32"),
    ({"model": "ViT-B-32", "pretrained": "openai"}, "allow_download = true"),
    ({"model": "ViT-B-32"}, "without score.clip.pretrained"),
    ({"model": "ViT-B-32", "pretrained": "random", "config_dir": "/nowhere"}, "is no folder"),
])  # fmt: skip
def test_what_cannot_be_loaded_says_what_to_do(settings, words):
    with pytest.raises(ModelError, match=words):
        load(ClipSettings(**settings))


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(ModelError, match="cannot load"):
        load(demo(pretrained=str(path)))


def test_nothing_is_asked_of_the_network_without_leave(monkeypatch):
    import socket

    monkeypatch.setattr(socket.socket, "connect", lambda *a: pytest.fail("tried to connect"))
    load(demo())
    assert os.environ["HF_HUB_OFFLINE"] == "1"
    with pytest.raises(ModelError):
        weights_file(ClipSettings(model="ViT-L-14", pretrained="datacomp_xl_s13b_b90k"))


def test_threads_may_share_a_model():
    """Flink and Spark run several parts as threads of one worker; texts of unlike length must not see each other's shapes."""
    from concurrent.futures import ThreadPoolExecutor

    clip = load(demo(threads=1))
    rows = [clip.tokenize([text]) for text in TEXTS]
    alone = [clip.tokens(r) for r in rows]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(clip.tokens, rows * 60))
    assert all(np.array_equal(one, alone[i % len(rows)]) for i, one in enumerate(together))


def test_the_hubs_revision_is_read_from_where_its_cache_lies():
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert revision_of(f"/home/u/.cache/hub/models--org--name/snapshots/{commit}/open_clip_model.safetensors") == commit
    assert revision_of("/models/snapshots/latest/weights.bin") == "" and revision_of("") == ""
