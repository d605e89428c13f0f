"""Decoding for training: scaled decoding gives the same picture, and what the fast path does not know goes the slow way."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.load import photo
from trainer.config import Images
from trainer.image import BadImage, crops, decode, grids, patches
from trainer.plan import Costs
from trainer.read import Reader, Row
from trainer.text import Bytes, Node


def coded(kind: str, mode: str = "RGB", size: tuple[int, int] = (40, 20), **more) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).convert(mode).save(out, kind, **more)
    return out.getvalue()


@pytest.mark.parametrize("rule", ["native", "square", "split"])
def test_scaled_decoding_gives_the_same_patches(rule: str):
    data = photo(1, 800, 600, 90)
    images = Images(rule=rule, side=98)
    reader = Reader([], Bytes(), Costs(images, 14, 4), 100)
    got = Row(reader).picture(data, Node(None, size=(800, 600)))
    cells = grids(800, 600, images, 14)
    whole = crops(decode(data), len(cells))
    assert len(got) == len(cells)
    for a, crop, cell in zip(got, whole, cells, strict=True):
        b = patches(crop, cell, 14)
        assert a.shape == b.shape
        alike = torch.corrcoef(torch.stack([a.flatten().float(), b.flatten().float()]))[0, 1]
        assert alike > 0.99 and (a.float() - b.float()).abs().mean() < 5  # of 255, in a picture of much finer noise than a photograph's


def test_scaled_decoding_never_falls_below_what_is_wanted():
    data = photo(2, 800, 600, 80)
    for least in ((0, 0), (600, 800), (301, 100), (300, 400), (75, 100), (10, 10)):
        _, h, w = decode(data, least).shape
        assert h >= least[0] and w >= least[1] and (least not in ((300, 400), (75, 100)) or (h, w) == least)


def test_what_the_fast_path_does_not_know_goes_the_slow_way():
    turned = Image.Exif()
    turned[0x0112] = 6
    assert decode(coded("JPEG", exif=turned.tobytes())).shape == (3, 40, 20)
    upright = Image.Exif()
    upright[0x0112] = 1
    plain = coded("JPEG")
    assert torch.equal(decode(coded("JPEG", exif=upright.tobytes())), decode(plain))
    for data in (coded("JPEG", "CMYK"), coded("JPEG", "L"), coded("PNG", "RGBA"), coded("PNG", "P"), coded("WEBP"), coded("GIF", "P")):
        assert decode(data).shape == (3, 20, 40)
    truth = np.asarray(Image.open(io.BytesIO(plain)).convert("RGB")).astype(int)
    assert np.abs(decode(plain).permute(1, 2, 0).numpy().astype(int) - truth).max() <= 2
    whole = decode(plain[:-2] + b"\x00\x00" + plain[-2:])  # a byte too many before the end: browsers show it
    assert whole.shape == (3, 20, 40)
    for cut in (20, len(plain) // 2):
        with pytest.raises(BadImage):
            decode(plain[:cut])


def test_avif_is_read():
    from PIL import features

    if not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    assert decode(coded("AVIF")).shape == (3, 20, 40)
    with pytest.raises(BadImage, match="AVIF"):
        decode(b"\x00\x00\x00\x1cftypheic")


def test_a_picture_larger_than_a_pack_is_left_out_and_named():
    reader = Reader([], Bytes(), Costs(Images(side=98), 14, 4), 100, patches=20)
    with pytest.raises(BadImage, match="35 patches"):
        Row(reader).picture(photo(3, 98, 70, 80), Node(None, size=(98, 70)))


def test_a_text_larger_than_a_pack_is_cut_and_counted():
    row = Row(Reader([], Bytes(), Costs(Images(side=98), 14, 4), 50))
    assert row.fill([Node(Bytes().encode("x" * 80))], {}, ends=True) == 32  # 80 bytes, BOS and EOS in 50
    assert len(row.ids) == 50 and row.cu == [0, 50]
    assert row.fill([Node(Bytes().encode("x" * 80))], {}, ends=True, cut=False) == 0


def test_the_loader_benchmark_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    pytest.importorskip("webdataset")
    import json

    from benchmarks import load

    monkeypatch.setattr(load, "SIZES", ((64, 48),))
    load.main(json=True, documents=8, rounds=1, seen=2)
    rows = json.loads(capsys.readouterr().out)
    assert {r["floor_ratio"] for r in rows} == {5.0, None} and all(r["ours"] > 0 for r in rows)
