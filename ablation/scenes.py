"""What the arms are asked: small rendered pictures, one question each, answers of one token, combinations that were never trained on.

A `Case` is a conversation with its pictures. Which shape goes with which colour, which word with which ink, decides where a
case may appear: combinations with `held_out` are only asked, never trained on. Everything follows from a stream's name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from PIL import Image, ImageDraw

from demo.captions import NUMBERS, PLURAL, phrase
from demo.render import picture
from demo.rng import Stream
from demo.scenes import COLOURS, RELATIONS, SHAPES, Group, Scene

SIDE = 128  # pixels of a square picture; others have the same area
WORDS = ("CLOUD", "LEMON", "TIGER", "HOTEL", "MUSIC", "PAPER", "OCEAN", "BREAD")  # five letters each: length tells nothing
GLYPHS = ((8, 11), (12, 17), (18, 28))  # heights in pixels, small to large; the loader halves a picture of 128 px to 64
NAMES = ("dax", "wug", "kip", "lom")  # look-up: labels that mean nothing
BOXES = {"wide": (30, 18), "tall": (18, 30), "even": (23, 23)}  # half sides of the box whose own proportions are asked for
SKILLS = ("count", "colour", "shape", "relation", "word", "box", "lookup")
CHANCE = {"count": 1 / 4, "colour": 1 / 8, "shape": 1 / 6, "relation": 1 / 4, "word": 1 / 8, "box": 1 / 3, "lookup": 1 / 2}
SQUARE = ((1, 1),)
MIXED = ((1, 1), (2, 1), (1, 2), (3, 1), (1, 3))


@dataclass(frozen=True)
class Turn:
    question: str
    answer: str
    pictures: int  # how many of the case's pictures stand before the question


@dataclass(frozen=True)
class Case:
    """A conversation. Only the last turn is scored; `detail` splits a skill (glyph height, aspect)."""

    skill: str
    scenes: tuple[Scene, ...]
    turns: tuple[Turn, ...]
    detail: str = ""


def held_out(first: int, second: int) -> bool:
    """Is the combination of the first-th shape (word) and second-th colour kept from training? One in five."""
    return (2 * first + second) % 5 == 0


def _pair(draw: Stream, firsts: tuple[str, ...], unseen: bool, not_first: str = "", not_colour: str = "") -> tuple[str, str]:
    colours = tuple(COLOURS)
    fits = [
        (f, c) for i, f in enumerate(firsts) for j, c in enumerate(colours)
        if held_out(i, j) == unseen and f != not_first and c != not_colour
    ]  # fmt: skip
    return draw.pick(fits)


def _size(draw: Stream, aspects: tuple[tuple[int, int], ...]) -> tuple[int, int, str]:
    w, h = draw.pick(aspects)
    k = SIDE / (w * h) ** 0.5
    return round(w * k), round(h * k), f"{w}:{h}"


def case(*name: object, skill: str, unseen: bool, aspects: tuple[tuple[int, int], ...] = SQUARE) -> Case:
    """The case of a stream's name. `unseen`: made of held-out combinations. ValueError on an unknown skill.

    Where no answer gives away another, seen cases carry further questions about the same picture (the Cauldron's shared turns).
    """
    new = _case(*name, skill=skill, unseen=unseen, aspects=aspects)
    if unseen:
        return new
    draw = Stream("ablation", "more", skill, *name)
    more = [replace(t, pictures=0) for t in _further(new)]
    turns = [replace(new.turns[0], pictures=0), *more] if more else list(new.turns)
    if more:
        turns = draw.sample(turns, len(turns))
        turns[0] = replace(turns[0], pictures=1)
    return replace(new, turns=tuple(turns))


def _further(c: Case) -> list[Turn]:
    """Other questions about the only picture of a case that its first answer says nothing about."""
    scene = c.scenes[0]
    if c.skill == "word":
        return [Turn("what colour is the word ?", scene.ink, 0)]
    if c.skill == "box":
        return [Turn("what colour is the box ?", scene.ink, 0)]
    if c.skill == "count":
        g = scene.groups[0]
        return [Turn(f"what colour is the {g.shape} ?", g.colour, 0)]
    if c.skill == "relation":
        return [Turn(f"what colour is the {g.shape} ?", g.colour, 0) for g in scene.groups]
    if c.skill in ("colour", "shape"):
        a, b = scene.groups
        return [Turn(f"what colour is the {b.shape} ?", b.colour, 0) if c.skill == "colour" else Turn(f"which shape is {b.colour} ?", b.shape, 0)]
    return []


def _case(*name: object, skill: str, unseen: bool, aspects: tuple[tuple[int, int], ...]) -> Case:
    if skill not in SKILLS:
        raise ValueError(f"no skill {skill!r}; there are {', '.join(SKILLS)}")
    draw = Stream("ablation", skill, unseen, *name)
    key = "/".join(str(n) for n in (*name, skill, unseen))
    w, h, aspect = _size(draw, aspects)
    blank = Scene(key, "two", w, h, spread=True)
    if skill == "lookup":
        return _lookup(draw, blank, unseen)
    if skill == "word":
        word, ink = _pair(draw, WORDS, unseen)
        band = draw.pick(GLYPHS)
        glyph = min(draw.between(*band), int(w * 0.9 / (0.78 * len(word))))
        scene = replace(blank, kind="word", text=word, ink=ink, glyph_height=glyph)
        return Case(skill, (scene,), (Turn("what word is written ?", word.lower(), 1),), f"{band[0]}-{band[1]} px")
    shape, colour = _pair(draw, SHAPES, unseen)
    if skill == "box":
        answer = draw.pick(tuple(BOXES))
        scene = replace(blank, kind="box", text=answer, ink=colour)
        return Case(skill, (scene,), (Turn("is the box wide , tall or even ?", answer, 1),), aspect)
    other, second = _pair(draw, SHAPES, unseen, shape, colour)
    if skill == "relation":
        relation = draw.pick(RELATIONS)
        scene = replace(blank, kind="relation", groups=(Group(shape, colour), Group(other, second)), relation=relation)
        return Case(skill, (scene,), (Turn(f"where is the {shape} from the {other} ?", relation, 1),), aspect)
    if skill == "count":
        n = draw.between(1, 4)
        scene = replace(blank, kind="count", groups=(Group(shape, colour, n),))
        return Case(skill, (scene,), (Turn(f"how many {PLURAL.get(shape, shape + 's')} ?", NUMBERS[n], 1),), aspect)
    scene = replace(blank, groups=(Group(shape, colour), Group(other, second)))
    asked = Turn(f"what colour is the {shape} ?", colour, 1) if skill == "colour" else Turn(f"which shape is {colour} ?", shape, 1)
    return Case(skill, (scene,), (asked,), aspect)


def _lookup(draw: Stream, blank: Scene, unseen: bool) -> Case:
    """Two named pictures, then one of the same kind as one of them: its name was said, nowhere else."""
    a = _pair(draw, SHAPES, unseen)
    b = _pair(draw, SHAPES, unseen, *a)
    names = draw.sample(NAMES, 2)
    asked = draw.below(2)
    kinds = (a, b, (a, b)[asked])
    scenes = tuple(replace(blank, name=f"{blank.name}/{i}", kind="count", groups=(Group(*k),)) for i, k in enumerate(kinds))
    return Case("lookup", scenes, tuple(Turn("what is this ?", n, 1) for n in (*names, names[asked])))


def draw_scene(scene: Scene) -> Image.Image:
    """The picture: the demo's renderer, and a box of its own proportions."""
    if scene.kind != "box":
        return picture(scene)
    blank = replace(scene, kind="two", text="", groups=())
    image, draw = picture(blank), Stream("box", scene.name)
    half_w, half_h = (max(6, side * draw.between(80, 115) // 100) for side in BOXES[scene.text])
    cx, cy = draw.between(half_w + 3, scene.width - half_w - 3), draw.between(half_h + 3, scene.height - half_h - 3)
    ImageDraw.Draw(image).rectangle((cx - half_w, cy - half_h, cx + half_w, cy + half_h), fill=COLOURS[scene.ink])
    return image


def told(scene: Scene) -> str:
    """What the picture shows, in words of the questions: the text of the vision tower's pairs."""
    if scene.kind == "box":
        return f"a {scene.text} box in {scene.ink}"
    return phrase(scene).replace("to the ", "").replace(" of", "").lower()
