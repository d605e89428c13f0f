"""Scenes: what a rendered picture shows, known exactly.

A `Scene` is a few frozen facts (shapes, colours, counts, a relation, digits or a word) and a size; `demo.render` draws it,
`demo.captions` says it in words, `demo.questions` asks about it. All of it follows from the name of a random stream.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from demo.rng import Stream

SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
COLOURS = {  # name -> RGB; far apart in hue and lightness, so that a small encoder can tell them
    "red": (214, 32, 40), "green": (34, 148, 60), "blue": (38, 70, 210), "yellow": (240, 200, 10),
    "purple": (140, 48, 170), "orange": (246, 122, 16), "black": (24, 24, 24), "brown": (122, 74, 30),
}  # fmt: skip
KINDS = ("count", "two", "relation", "digits", "word")
RELATIONS = ("above", "below", "left", "right")
MAX_COUNT = 5
WORDS = (
    "HARBOR", "GARDEN", "WINTER", "BRIDGE", "CANDLE", "FOREST", "MARKET", "PLANET", "RIVER", "STONE",
    "CLOUD", "LEMON", "TIGER", "HOTEL", "MUSIC", "PAPER", "OCEAN", "BREAD", "CHAIR", "TRAIN", "FIELD", "NIGHT", "HORSE",
    "SUGAR", "TOWER", "VALLEY", "WINDOW", "ISLAND", "MIRROR", "PEPPER", "ROCKET", "SPRING", "TEMPLE", "VELVET",
)  # fmt: skip
# width:height; all within the 0.5..2 that OBELICS allows
ASPECTS = ((1, 1), (4, 3), (3, 2), (3, 4), (2, 3), (1, 1), (16, 10), (5, 4))


@dataclass(frozen=True)
class Group:
    """`count` equal objects."""

    shape: str
    colour: str
    count: int = 1


@dataclass(frozen=True)
class Scene:
    """What a picture shows. `groups` holds 1 (count), 2 (two, relation) or no (digits, word) groups; `text` and `ink` are
    set for digits and word; `relation` says where groups[0] lies as seen from groups[1]."""

    name: str  # names the stream of its layout: equal scenes of other names look different
    kind: str
    width: int
    height: int
    groups: tuple[Group, ...] = ()
    relation: str = ""
    text: str = ""
    ink: str = ""
    glyph_height: int = 0  # pixels of a capital letter, about (digits, word)
    spread: bool = False  # use the whole picture instead of its central square

    @property
    def facts(self) -> tuple[object, ...]:
        """What a caption tells: two scenes with equal facts are described by the same words."""
        return (self.kind, self.groups, self.relation, self.text, self.ink)


def make(*name: object, kind: str | None = None, long_side: tuple[int, int] = (260, 520), spread: bool = False) -> Scene:
    """The scene of a stream name. `long_side`: range of the longer side in pixels. `spread`: objects over the whole picture
    rather than its central square (where a centre crop would lose them). ValueError on an unknown kind."""
    if kind is not None and kind not in KINDS:
        raise ValueError(f"no scene kind {kind!r}; there are {', '.join(KINDS)}")
    key = "/".join(str(part) for part in name)
    draw = Stream("scene", key)
    kind = kind or draw.pick(("count", "count", "count", "two", "two", "relation", "relation", "digits", "word"))
    width, height = _size(draw, long_side)
    if kind in ("digits", "word"):
        text = str(draw.between(10, 9999)) if kind == "digits" else draw.pick(WORDS)
        side = min(width, height)
        widest = int(side * 0.9 / (0.78 * len(text)))
        glyph = draw.between(min(widest, max(12, side // 10)), max(12, min(widest, side // 2)))
        return Scene(key, kind, width, height, text=text, ink=draw.pick(list(COLOURS)), glyph_height=glyph, spread=spread)
    shapes, colours = draw.sample(SHAPES, 2), draw.sample(list(COLOURS), 2)
    if kind == "count":
        groups: tuple[Group, ...] = (Group(shapes[0], colours[0], draw.between(1, MAX_COUNT)),)
    elif kind == "two":
        groups = (Group(shapes[0], colours[0], draw.between(1, 3)), Group(shapes[1], colours[1], draw.between(1, 3)))
    else:
        groups = (Group(shapes[0], colours[0]), Group(shapes[1], colours[1]))
    relation = draw.pick(RELATIONS) if kind == "relation" else ""
    return Scene(key, kind, width, height, groups, relation, spread=spread)


def other(scene: Scene, *name: object) -> Scene:
    """A scene that a wrong caption describes: one fact changed (shape, colour or count), or another scene altogether.
    Never one that is also true of `scene`."""
    draw = Stream("other", scene.name, *name)
    if draw.chance(0.5):
        return _one_changed(scene, draw)
    for attempt in range(100):
        new = make("other", scene.name, *name, attempt)
        if not compatible(scene, new):
            return new
    raise AssertionError("unreachable: the scenes are too many to agree a hundred times")


def reshaped(scene: Scene, *name: object) -> Scene:
    """The scene with one shape exchanged (with the colour, where there are no shapes)."""
    draw = Stream("reshaped", scene.name, *name)
    if not scene.groups:
        return _one_changed(scene, draw)
    groups = list(scene.groups)
    i = draw.below(len(groups))
    taken = {g.shape for g in groups}
    groups[i] = replace(groups[i], shape=draw.pick([s for s in SHAPES if s not in taken]))
    return replace(scene, groups=tuple(groups))


def _one_changed(scene: Scene, draw: Stream) -> Scene:
    if scene.kind in ("digits", "word"):
        return replace(scene, ink=draw.pick([c for c in COLOURS if c != scene.ink]))
    groups = list(scene.groups)
    i = draw.below(len(groups))
    g = groups[i]
    what = draw.pick(("shape", "colour", "count") if scene.kind == "count" else ("shape", "colour"))
    if what == "shape":
        taken = {x.shape for x in groups}
        g = replace(g, shape=draw.pick([s for s in SHAPES if s not in taken]))
    elif what == "colour":
        taken = {x.colour for x in groups}
        g = replace(g, colour=draw.pick([c for c in COLOURS if c not in taken]))
    else:  # at least two apart: telling four from five is not what a wrong caption tests
        g = replace(g, count=draw.pick([n for n in range(1, MAX_COUNT + 1) if abs(n - g.count) >= 2]))
    groups[i] = g
    return replace(scene, groups=tuple(groups))


def compatible(a: Scene, b: Scene) -> bool:
    """Could a caption of one pass for the other?"""
    if a.kind in ("digits", "word") and b.kind in ("digits", "word"):
        return a.ink == b.ink  # what a small encoder sees of writing is mostly its colour
    return bool({(g.shape, g.colour) for g in a.groups} & {(g.shape, g.colour) for g in b.groups})


def _size(draw: Stream, long_side: tuple[int, int]) -> tuple[int, int]:
    long = draw.between(*long_side)
    w, h = draw.pick(ASPECTS)
    return (long, max(1, long * h // w)) if w >= h else (max(1, long * w // h), long)
