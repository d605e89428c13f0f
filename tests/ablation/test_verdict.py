"""What the page says of a finding follows from the seeds' ranges."""

from __future__ import annotations

import pytest

from ablation.claims import Claim, Finding
from ablation.scenes import CHANCE
from ablation.table import Row, Spread
from ablation.verdict import summary, verdicts

FINDING = Finding("Title", "Table", (Claim("one above two", "one", "two"), Claim("one above three", "one", "three")))


def arm(name: str, low: float, high: float) -> Row:
    return Row(name, {s: Spread((low + high) / 2, low, high) for s in (*CHANCE, "average")}, [{"ask": "scenes"}])


@pytest.mark.parametrize(
    "two, three, signs, words",
    [
        ((0.1, 0.2), (0.1, 0.2), [1, 1], "**agrees**"),
        ((0.8, 0.9), (0.8, 0.9), [-1, -1], "**does not agree**"),
        ((0.1, 0.2), (0.8, 0.9), [1, -1], "**agrees in part**"),
        ((0.1, 0.2), (0.45, 0.9), [1, 0], "**agrees, where arms are apart**"),
        ((0.45, 0.9), (0.2, 0.4), [0, 0], "**not apart at this scale**"),
    ],
)
def test_statement(two, three, signs, words):
    found = [arm("one", 0.4, 0.5), arm("two", *two), arm("three", *three)]
    assert [sign for *_, sign in verdicts(FINDING, found)] == signs
    assert summary(FINDING, found)[3] == words


def test_a_skill_counts_as_learned_only_if_every_seed_of_an_arm_is_above_chance():
    skills, apart, claims, _ = summary(FINDING, [arm("one", 0.2, 1.0), arm("two", 0.19, 1.0)])
    learned = [s for s, by_luck in CHANCE.items() if by_luck < 0.2]
    assert 0 < len(learned) < len(CHANCE) and skills == f"{len(learned)} of {len(CHANCE)}: {', '.join(learned)}"
    assert apart == "0 of 1" and claims == "0 agree, 0 do not, 1 open"  # the arm that the second claim names is not in the log
