"""Evaluation sets are found in texts and images."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pdqhash
import pytest
from PIL import Image, ImageDraw

from pipelines.dedup.decontaminate import EvaluationSetError, load
from pipelines.dedup.shingles import Texts

QUESTION = "Which of the following three diagrams shows how the pressure in the left vessel changes after the valve is opened slowly?"


def _picture(seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (640, 480), tuple(int(x) for x in rng.integers(0, 256, 3)))
    draw = ImageDraw.Draw(image)
    for _ in range(25):
        x, y, w, h = (int(v) for v in rng.integers(0, 400, 4))
        draw.ellipse((x, y, x + w, y + h), fill=tuple(int(c) for c in rng.integers(0, 256, 3)))
    return image


def _pdq(image: Image.Image) -> str:
    return np.packbits(pdqhash.compute(np.asarray(image.convert("RGB")))[0]).tobytes().hex()


def _jpeg(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def test_a_resized_reencoded_test_image_is_caught(tmp_path: Path) -> None:
    pictures = [_picture(i) for i in range(12)]
    (tmp_path / "mmtest.pdq").write_text("# six images\n" + "".join(f"{_pdq(p)}  image{i}\n" for i, p in enumerate(pictures[:6])))
    (tmp_path / "other.sha256").write_text(hashlib.sha256(_jpeg(pictures[6], 90)).hexdigest().upper() + "  a.jpg\n")
    sets = load([str(p) for p in tmp_path.iterdir()])
    smaller = [Image.open(io.BytesIO(_jpeg(p.resize((300, 225)), 60))) for p in pictures]
    assert sets.of_images([None] * 12, [_pdq(p) for p in smaller]) == ["mmtest"] * 6 + [""] * 6
    shas = [hashlib.sha256(_jpeg(p, 90)).hexdigest() for p in pictures]
    assert sets.of_images(shas, [None] * 12) == [""] * 6 + ["other"] + [""] * 5


def test_texts_that_quote_a_question_are_caught(tmp_path: Path) -> None:
    (tmp_path / "quiz.v2.txt").write_text(f"{QUESTION}\nWhat is this?\n")
    sets = load([str(tmp_path / "quiz.v2.txt")])
    assert sets.names == ("quiz",) and sets
    page = "Exercises. " + QUESTION.upper().replace(" ", "  ") + " Answer: the second."
    almost = " ".join(w for i, w in enumerate(QUESTION.split()) if i % 6)
    assert sets.of_texts(Texts.of([page, almost, "What is this?", "", "x " + QUESTION])) == ["quiz", "", "", "", "quiz"]


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.pdq").write_text("\nnot hex\n")
    with pytest.raises(EvaluationSetError, match=r"a\.pdq:2.*64 hex"):
        load([str(tmp_path / "a.pdq")])
    with pytest.raises(EvaluationSetError, match="no such file"):
        load([str(tmp_path / "b.txt")])
    (tmp_path / "c.csv").write_text("")
    with pytest.raises(EvaluationSetError, match="an evaluation set is"):
        load([str(tmp_path / "c.csv")])
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(EvaluationSetError, match="UTF-8"):
        load([str(tmp_path / "d.txt")])
    assert not load([])
