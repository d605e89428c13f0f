"""What the arms are asked: small rendered pictures, questions, answers of one token, combinations that were never trained on.

A `Case` is a conversation with its pictures. What it shows decides where it may appear: one combination in five (shapes,
colours, number, place; letter, ink, height) is held out, only asked and never trained on. No single fact or pair of facts is
missing from training, so a prior over words does not give the answers away. Everything follows from a stream's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

from demo.captions import NUMBERS, PLURAL, phrase
from demo.render import PALE, shape_on
from demo.rng import Stream
from demo.scenes import COLOURS, RELATIONS, SHAPES, Group, Scene

SIDE = 128  # pixels of a square picture
CELL = (
    32  # objects stand in the middle of cells: two patches of 8 pixels where the loader halves the picture, which a small tower learns soon
)
LETTERS = ("A", "E", "H", "L", "O", "T", "X", "S")
GLYPHS = ((8, 11), (14, 18), (26, 32))  # heights in pixels, small to large; the loader halves a picture of 128 px to 64
NAMES = ("dax", "wug", "kip", "lom")  # look-up: labels that mean nothing
BOXES = {"wide": (15, 8), "tall": (8, 15), "even": (11, 11)}  # half sides of the box whose own proportions are asked for
SKILLS = ("count", "colour", "shape", "relation", "letter", "box", "lookup")
CHANCE = {"count": 1 / 4, "colour": 1 / 8, "shape": 1 / 6, "relation": 1 / 4, "letter": 1 / 8, "box": 1 / 3, "lookup": 1 / 2}
SQUARE = ((128, 128),)
MIXED = ((128, 128), (192, 96), (96, 192))  # sizes of the pictures


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


def held_out(facts: tuple[object, ...]) -> bool:
    """Is this combination kept from training?

    Of shape and colour alone one in four, two colours for each shape and one or two shapes for each colour, so that neither
    gives the other away; of longer combinations one in five, by hash.
    """
    if len(facts) == 2 and facts[0] in SHAPES:
        return (list(COLOURS).index(str(facts[1])) - SHAPES.index(str(facts[0]))) % len(COLOURS) in (0, 2)
    return Stream("held-out", *facts).below(5) == 0


def _objects(draw: Stream, count: int) -> list[tuple[str, str]]:
    """Shapes and colours, none twice."""
    return list(zip(draw.sample(SHAPES, count), draw.sample(tuple(COLOURS), count), strict=True))


def _size(draw: Stream, sizes: tuple[tuple[int, int], ...]) -> tuple[int, int, str]:
    w, h = draw.pick(sizes)
    return w, h, f"{w}x{h}"


def case(*name: object, skill: str, unseen: bool, sizes: tuple[tuple[int, int], ...] = SQUARE) -> Case:
    """The case of a stream's name. `unseen`: made of held-out combinations. ValueError on an unknown skill.

    Where no answer gives away another, seen cases carry further questions about the same picture (the Cauldron's shared turns).
    """
    new = _case(*name, skill=skill, unseen=unseen, sizes=sizes)
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
    if c.skill == "letter":
        return [Turn("what colour is the letter ?", scene.ink, 0)]
    if c.skill == "box":
        return [Turn("what colour is the box ?", scene.ink, 0)]
    if c.skill == "count":
        g = scene.groups[0]
        return [Turn(f"what colour are the {PLURAL.get(g.shape, g.shape + 's')} ?", g.colour, 0)]
    if c.skill == "relation":
        return [Turn(f"what colour is the {g.shape} ?", g.colour, 0) for g in scene.groups]
    if c.skill in ("colour", "shape"):
        g = scene.groups[0]
        return [Turn("which shape is it ?", g.shape, 0) if c.skill == "colour" else Turn("what colour is it ?", g.colour, 0)]
    return []


def _case(*name: object, skill: str, unseen: bool, sizes: tuple[tuple[int, int], ...]) -> Case:
    if skill not in SKILLS:
        raise ValueError(f"no skill {skill!r}; there are {', '.join(SKILLS)}")
    draw = Stream("ablation", skill, unseen, *name)
    key = "/".join(str(n) for n in (*name, skill, unseen))
    while True:
        w, h, aspect = _size(draw, sizes)
        facts, made = _MAKERS[skill](draw, Scene(key, "two", w, h, spread=True), aspect)
        if held_out(facts) == unseen:
            return made


Made = tuple[tuple[object, ...], Case]


def _letter(draw: Stream, blank: Scene, aspect: str) -> Made:
    letter, ink, band = draw.pick(LETTERS), draw.pick(tuple(COLOURS)), draw.pick(GLYPHS)
    height = draw.between(*band)
    scene = replace(blank, kind="letter", text=letter, ink=ink, glyph_height=height)
    return (letter, ink, height), Case("letter", (scene,), (Turn("what letter is it ?", letter, 1),), f"{band[0]}-{band[1]} px")


def _box(draw: Stream, blank: Scene, aspect: str) -> Made:
    kind, ink, size = draw.pick(tuple(BOXES)), draw.pick(tuple(COLOURS)), draw.between(80, 115)
    scene = replace(blank, kind="box", text=kind, ink=ink, glyph_height=size)
    return (kind, ink, size), Case("box", (scene,), (Turn("is the box wide , tall or even ?", kind, 1),), aspect)


def _relation(draw: Stream, blank: Scene, aspect: str) -> Made:
    (a, b), relation = _objects(draw, 2), draw.pick(RELATIONS)
    scene = replace(blank, kind="relation", groups=(Group(*a), Group(*b)), relation=relation)
    return (a, b, relation), Case("relation", (scene,), (Turn(f"where is the {a[0]} from the {b[0]} ?", relation, 1),), aspect)


def _count(draw: Stream, blank: Scene, aspect: str) -> Made:
    (shape, colour), n = _objects(draw, 1)[0], draw.between(1, 4)
    scene = replace(blank, kind="count", groups=(Group(shape, colour, n),))
    return (shape, colour), Case("count", (scene,), (Turn(f"how many {PLURAL.get(shape, shape + 's')} ?", NUMBERS[n], 1),), aspect)


def _one(skill: str) -> Callable[[Stream, Scene, str], Made]:
    def make(draw: Stream, blank: Scene, aspect: str) -> Made:
        shape, colour = _objects(draw, 1)[0]
        asked = Turn("what colour is it ?", colour, 1) if skill == "colour" else Turn("which shape is it ?", shape, 1)
        return (shape, colour), Case(skill, (replace(blank, kind="count", groups=(Group(shape, colour),)),), (asked,), aspect)

    return make


def _lookup(draw: Stream, blank: Scene, aspect: str) -> Made:
    """Two named pictures, then one of the same kind as one of them: its name was said, nowhere else."""
    a, b = _objects(draw, 2)
    names, asked = draw.sample(NAMES, 2), draw.below(2)
    kinds = (a, b, (a, b)[asked])
    scenes = tuple(replace(blank, name=f"{blank.name}/{i}", kind="count", groups=(Group(*k),)) for i, k in enumerate(kinds))
    return (a, b, *names), Case("lookup", scenes, tuple(Turn("what is this ?", n, 1) for n in (*names, names[asked])))


_MAKERS: dict[str, Callable[[Stream, Scene, str], Made]] = {
    "count": _count, "colour": _one("colour"), "shape": _one("shape"), "relation": _relation, "letter": _letter, "box": _box,
    "lookup": _lookup,
}  # fmt: skip


def draw_scene(scene: Scene) -> Image.Image:
    """The picture: a pale ground, every object in the middle of its cell."""
    draw = Stream("picture", scene.name)
    image = Image.new("RGB", (scene.width, scene.height), draw.pick(PALE))
    pen = ImageDraw.Draw(image)
    columns, rows = scene.width // CELL, scene.height // CELL

    def middle(cell: tuple[int, int]) -> tuple[int, int]:
        return cell[0] * CELL + CELL // 2, cell[1] * CELL + CELL // 2

    if scene.kind == "letter":
        x, y = middle((draw.below(columns), draw.below(rows)))
        font = ImageFont.load_default(size=max(8, round(scene.glyph_height / 0.72)))
        fill = COLOURS[scene.ink]
        pen.text((x, y), scene.text, font=font, fill=fill, anchor="mm", stroke_width=scene.glyph_height // 22, stroke_fill=fill)
        return image
    if scene.kind == "box":
        x, y = middle((draw.between(0, columns - 1), draw.between(0, rows - 1)))
        w, h = (side * scene.glyph_height // 100 for side in BOXES[scene.text])
        pen.rectangle((x - w, y - h, x + w, y + h), fill=COLOURS[scene.ink])
        return image
    objects = [(g.shape, g.colour) for g in scene.groups for _ in range(g.count)]
    for (shape, colour), cell in zip(objects, _cells(scene, draw, columns, rows, len(objects)), strict=True):
        shape_on(pen, shape, *middle(cell), CELL * 13 // 32, COLOURS[colour])
    return image


def _cells(scene: Scene, draw: Stream, columns: int, rows: int, count: int) -> list[tuple[int, int]]:
    """Cells of the objects, none twice; where there is a relation, in one row or one column and in that order."""
    if not scene.relation:
        return draw.sample([(x, y) for x in range(columns) for y in range(rows)], count)
    across = scene.relation in ("left", "right")
    first, second = sorted(draw.sample(range(columns if across else rows), 2), reverse=scene.relation in ("right", "below"))
    other = draw.below(rows if across else columns)
    return [(first, other), (second, other)] if across else [(other, first), (other, second)]


def told(scene: Scene) -> str:
    """What the picture shows, in words of the questions: the text of the vision tower's pairs."""
    if scene.kind == "box":
        return f"a {scene.text} box in {scene.ink}"
    if scene.kind == "letter":
        return f"the letter {scene.text} in {scene.ink}"
    return phrase(scene).replace("to the ", "").replace(" of", "")
