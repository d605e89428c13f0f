"""Questions about a scene with their exact answers: for the trainer's evaluation on held-out pictures."""

from __future__ import annotations

from dataclasses import dataclass

from demo.captions import NUMBERS, PLURAL, phrase
from demo.rng import Stream
from demo.scenes import Scene


@dataclass(frozen=True)
class Question:
    """`skill`: count, colour, shape, relation, digits, word or caption. `answers`: every wording that is right."""

    skill: str
    question: str
    answers: tuple[str, ...]


def questions(scene: Scene) -> tuple[Question, ...]:
    """All questions of a scene, in a fixed order."""
    if scene.kind == "digits":
        return (
            Question("digits", "Which number is shown in the picture?", (scene.text,)),
            Question("colour", "What colour are the digits?", (scene.ink,)),
        )
    if scene.kind == "word":
        return (
            Question("word", "Which word is written in the picture?", (scene.text, scene.text.lower())),
            Question("colour", "What colour are the letters?", (scene.ink,)),
        )
    out = []
    for g in scene.groups:
        plural = PLURAL.get(g.shape, g.shape + "s")
        if scene.kind != "relation":
            out.append(Question("count", f"How many {g.colour} {plural} are in the picture?", (NUMBERS[g.count], str(g.count))))
        noun = g.shape if g.count == 1 else plural
        verb = "is" if g.count == 1 else "are"
        out.append(Question("colour", f"What colour {verb} the {noun}?", (g.colour,)))
        out.append(Question("shape", f"Which shape is {g.colour}?", (g.shape, plural)))
    if scene.kind == "relation":
        a, b = scene.groups
        words = {"above": "above", "below": "below", "left": "left", "right": "right"}[scene.relation]
        out.append(Question("relation", f"Where is the {a.shape} as seen from the {b.shape}: above, below, left or right?", (words,)))
    out.append(Question("caption", "What does the picture show?", (phrase(scene),)))
    return tuple(out)


def one(scene: Scene, *name: object) -> Question:
    """One question of the scene, drawn by the stream `name`."""
    return Stream("question", scene.name, *name).pick(questions(scene))
