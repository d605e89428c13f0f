"""Scenes, their words and questions: deterministic, true, complete in every language."""

from __future__ import annotations

import hashlib

import pytest

from demo.captions import LANGUAGES, alt, caption, phrase, sentence
from demo.questions import questions
from demo.render import encode, picture
from demo.rng import Stream
from demo.scenes import COLOURS, KINDS, make, other


def test_a_stream_is_fixed_for_all_time():
    draw = Stream("golden", 1)
    assert [draw.below(1000) for _ in range(6)] == [593, 688, 681, 815, 791, 810]
    assert sorted(Stream("x").sample(range(50), 50)) == list(range(50))


def test_equal_names_give_equal_pictures_and_others_differ():
    def digest(name):
        return hashlib.sha256(encode(picture(make("t", name)), "png")).hexdigest()

    assert digest(1) == digest(1)
    assert len({digest(i) for i in range(30)}) == 30


def test_the_picture_holds_the_colours_it_tells():
    for i in range(60):
        scene = make("pixels", i)
        pixels = set(_pixels(picture(scene)))
        told = {scene.ink} if scene.text else {g.colour for g in scene.groups}
        for name, colour in COLOURS.items():
            assert (colour in pixels) == (name in told), (scene, name)


def test_sizes_keep_within_obelics_bounds():
    for i in range(300):
        scene = make("size", i)
        assert 0.5 <= scene.width / scene.height <= 2
        assert min(scene.width, scene.height) >= 150


@pytest.mark.parametrize("kind", KINDS)
def test_another_scene_is_never_true_of_the_first(kind):
    for i in range(100):
        scene = make("other", i, kind=kind)
        wrong = other(scene, i)
        assert wrong.facts != scene.facts
        assert phrase(wrong) != phrase(scene)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_scene_has_words_in_every_language(language):
    draw = Stream("words")
    phrases = set()
    for i in range(80):
        scene = make("words", i)
        for text in (caption(scene, language, draw), alt(scene, language, draw), sentence(scene, language, draw)):
            assert text and "{" not in text
        phrases.add((phrase(scene, language), scene.facts))
    assert len({p for p, _ in phrases}) == len({f for _, f in phrases})  # other facts, other words


def test_questions_have_the_scenes_facts_as_answers():
    skills = set()
    for i in range(200):
        scene = make("questions", i)
        for q in questions(scene):
            skills.add(q.skill)
            assert q.answers and all(q.answers)
            if q.skill == "count":
                assert str(sum(g.count for g in scene.groups if f" {g.colour} {g.shape}" in q.question)) in q.answers
            if q.skill == "digits":
                assert q.answers == (scene.text,)
    assert skills == {"count", "colour", "shape", "relation", "digits", "word", "caption"}


def test_relation_is_true_of_the_drawn_places():
    for i in range(60):
        scene = make("relation", i, kind="relation")
        image = picture(scene)
        centres = []
        for g in scene.groups:
            own = [(k % image.width, k // image.width) for k, p in enumerate(_pixels(image)) if p == COLOURS[g.colour]]
            centres.append((sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own)))
        (ax, ay), (bx, by) = centres
        assert {"above": ay < by, "below": ay > by, "left": ax < bx, "right": ax > bx}[scene.relation]


def _pixels(image):
    raw = image.tobytes()
    return list(zip(raw[0::3], raw[1::3], raw[2::3], strict=True))
