"""Cases: answers that the picture shows, combinations that training never sees, no answer given away."""

from __future__ import annotations

import json

import pytest

from ablation import conversations, scenes
from ablation.scenes import CHANCE, MIXED, SKILLS, case, draw_scene
from demo.scenes import COLOURS


@pytest.mark.parametrize("skill", SKILLS)
def test_asked_combinations_are_never_trained_on(skill: str) -> None:
    seen = [case("t", i, skill=skill, unseen=False) for i in range(150)]
    asked = [case("t", i, skill=skill, unseen=True) for i in range(150)]
    if skill in ("colour", "shape", "count", "relation"):

        def kind(c: scenes.Case) -> tuple:
            groups = tuple((g.shape, g.colour) for g in c.scenes[0].groups)
            return (groups, c.scenes[0].relation)

        assert not {kind(c) for c in seen} & {kind(c) for c in asked}
    commonest = max(sum(c.turns[-1].answer == a for c in asked) for a in {c.turns[-1].answer for c in asked}) / len(asked)
    if skill != "lookup":  # four names are possible, two are in sight
        assert commonest < CHANCE[skill] + 0.15, "one answer is right far more often than chance"


def test_unknown_skill_is_named() -> None:
    with pytest.raises(ValueError, match="no skill 'smell'"):
        case("t", 0, skill="smell", unseen=False)


def test_lookup_answer_is_the_name_of_the_same_kind() -> None:
    for i in range(50):
        c = case("l", i, skill="lookup", unseen=True)
        same = [t.answer for s, t in zip(c.scenes[:2], c.turns[:2], strict=True) if s.groups == c.scenes[2].groups]
        assert same == [c.turns[2].answer]


def test_further_turns_do_not_say_the_answer() -> None:
    for skill in SKILLS:
        if skill == "lookup":
            continue
        for i in range(60):
            turns = case("f", i, skill=skill, unseen=False).turns
            for t in turns:
                others = " ".join(f"{o.question} {o.answer}" for o in turns if o is not t).split()
                if not t.question.startswith("is the box"):
                    assert t.answer not in others, (skill, turns)


def test_relation_is_drawn_as_it_is_said() -> None:
    """Centres of the two colours, measured in the picture."""
    import numpy as np

    for i in range(40):
        c = case("r", i, skill="relation", unseen=False, sizes=MIXED)
        pixels = np.asarray(draw_scene(c.scenes[0])).astype(int)
        centres = []
        for g in c.scenes[0].groups:
            ys, xs = np.nonzero((abs(pixels - np.array(COLOURS[g.colour])).sum(-1)) < 12)
            centres.append((xs.mean(), ys.mean()))
        (ax, ay), (bx, by) = centres
        assert {"left": ax < bx - 8, "right": ax > bx + 8, "above": ay < by - 8, "below": ay > by + 8}[c.scenes[0].relation]


def test_letter_heights_are_what_they_claim() -> None:
    import numpy as np

    for i in range(40):
        c = case("h", i, skill="letter", unseen=True)
        pixels = np.asarray(draw_scene(c.scenes[0])).astype(int)
        ys, _ = np.nonzero(abs(pixels - pixels[0, 0]).sum(-1) > 60)
        assert abs((ys.max() - ys.min() + 1) - c.scenes[0].glyph_height) <= max(3, c.scenes[0].glyph_height // 5)


def test_written_conversations_are_what_the_trainer_reads(tmp_path) -> None:
    from trainer.index import read_bytes, read_index, read_json
    from trainer.text import Bytes, chat_nodes

    cases = list(conversations.training(12, "w"))
    folder = conversations.write(cases, str(tmp_path / "set"), split=1.0)
    index = read_index(f"{folder}/cases.jsonl", "sft")
    for entry, c in zip(index.entries, cases, strict=True):
        nodes = chat_nodes(read_json(entry, read_bytes(entry)), Bytes())
        assert sum(n.ids is None for n in nodes) == 5 * len(c.scenes)
    first = [json.loads(line) for line in open(f"{folder}/cases.jsonl", encoding="utf-8")]
    again = conversations.write(cases, str(tmp_path / "again"), split=1.0)
    assert first == [json.loads(line) for line in open(f"{again}/cases.jsonl", encoding="utf-8")]
    none = conversations.write(cases, str(tmp_path / "none"), split=0.0)
    assert all(len(json.loads(x)["images"]) == len(c.scenes) for x, c in zip(open(f"{none}/cases.jsonl"), cases, strict=True))
