"""The demo CLIP: an ordinary open_clip model that tells right from wrong captions on scenes it has never seen."""

from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

from demo.train_clip import HERE, MODEL, WEIGHTS, example, text_of

pytest.importorskip("open_clip")


def test_it_is_small_and_says_how_it_was_made():
    assert WEIGHTS.stat().st_size < 4_200_000
    facts = json.loads((HERE / f"{MODEL}.training.json").read_text(encoding="utf-8"))
    assert facts["steps"] > 0 and -1 < facts["threshold"] < 1


def test_held_out_captions_are_told_right_from_wrong():
    from demo.separation import separate

    found = separate(n=192)
    assert found.precision >= 0.95 and found.recall >= 0.95, found


def test_examples_are_fixed_and_hold_right_and_wrong_texts():
    from demo.separation import load

    _, preprocess, _ = load()
    pixels, scene, texts = example("t", 5, preprocess)
    again, _, texts_again = example("t", 5, preprocess)
    assert torch.equal(pixels, again) and texts == texts_again
    assert pixels.shape == (3, 64, 64)
    assert texts[0][1] == scene and all(s is None or s.facts != scene.facts for _, s in texts[1:])
    assert text_of is not None


def test_the_second_part_trains_against_every_changed_fact(tmp_path):
    from demo.scenes import make
    from demo.tune_clip import mirrored, one_fact_changed, tune

    for n in range(40):
        scene = make("tune-test", n)
        changed = one_fact_changed(scene)
        assert len({s.facts for s in changed}) == len(changed) >= 7 and scene.facts not in {s.facts for s in changed}
        assert (mirrored(scene).facts == scene.facts) == (scene.relation not in ("left", "right"))
    tune(tmp_path, WEIGHTS, steps=2, batch=4, pool=8, lr=1e-5, seed=1, every=2)
    assert (tmp_path / WEIGHTS.name).stat().st_size == WEIGHTS.stat().st_size
    before, after = (safetensors.torch.load_file(str(p)) for p in (WEIGHTS, tmp_path / WEIGHTS.name))
    moved = {k for k in before if not torch.equal(before[k], after[k])}
    assert moved and all(k.startswith("visual.") for k in moved)  # the text tower is done


def test_running_text_about_nothing_is_near_no_picture():
    """Articles are full of paragraphs that describe no picture: they must not lift a wrong picture over the threshold."""
    from demo import english
    from demo.render import picture
    from demo.rng import Stream
    from demo.scenes import make
    from demo.separation import load

    model, preprocess, tokenizer = load()
    threshold = json.loads((HERE / f"{MODEL}.training.json").read_text(encoding="utf-8"))["threshold"]
    images = torch.stack([preprocess(picture(make("nothing", i))) for i in range(48)])
    texts = tokenizer([english.paragraph(Stream("nothing", i), 2, 4) for i in range(48)])
    with torch.no_grad():
        image = torch.nn.functional.normalize(model.encode_image(images), dim=-1)
        text = torch.nn.functional.normalize(model.encode_text(texts), dim=-1)
    assert float(((image @ text.T) > threshold).float().mean()) < 0.01
