from __future__ import annotations

import json

import pytest

from demo.captions import caption
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import make, other
from pipelines.images.calibrate import CalibrationError, best, kept_fractions, labelled, quality
from pipelines.settings.score import ClipSettings
from tests.support.scored_run import demo_clip


def test_fractions_are_exact_quantiles():
    values = [i / 1000 for i in range(1000)]
    got = {round(k.fraction, 3): k.similarity for k in kept_fractions(values)}
    assert got[0.3] == 0.7 and got[0.01] == 0.99 and got[0.99] == 0.01
    with pytest.raises(CalibrationError, match="score.clip.model"):
        kept_fractions([])


def test_precision_and_recall_of_dropping():
    (q,) = quality([0.1, 0.2, 0.3, 0.4], [False, True, False, True], [0.25])
    assert (q.precision, q.recall, q.kept) == (0.5, 0.5, 0.5)
    clean = best(quality([0.1, 0.2, 0.6, 0.7], [False, False, True, True]))
    assert (clean.threshold, clean.precision, clean.recall) == (0.6, 1, 1)
    with pytest.raises(CalibrationError, match="right and wrong"):
        quality([0.1], [True])


def test_a_labelled_set_finds_the_demo_models_threshold(tmp_path):
    lines = []
    for i in range(40):
        scene = make("calibrate", i, long_side=(200, 400))
        (tmp_path / f"{i}.jpg").write_bytes(encode(picture(scene), "jpg"))
        right = i % 2 == 0
        said = caption(scene if right else other(scene, "calibrate", i), "en", Stream("calibrate", i))
        lines.append(json.dumps({"image": f"{i}.jpg", "text": said, "right": right}))
    (tmp_path / "set.jsonl").write_text("\n".join(lines))
    found = best(quality(*labelled(str(tmp_path / "set.jsonl"), ClipSettings(**demo_clip()))))
    assert found.precision >= 0.95 and found.recall >= 0.9 and 0.05 < found.threshold < 0.2


def test_bad_lines_are_named(tmp_path):
    (tmp_path / "set.jsonl").write_text('{"image": "a.jpg", "text": 5, "right": true}\n')
    with pytest.raises(CalibrationError, match="set.jsonl:1: expected"):
        labelled(str(tmp_path / "set.jsonl"), ClipSettings(**demo_clip()))
