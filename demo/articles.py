"""The main content of a page as a list of blocks: what an extractor ought to bring home, in order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from demo import english, languages
from demo.captions import alt, caption, sentence
from demo.pictures import Picture, content, inline_icon
from demo.plan import Page, Web
from demo.rng import Stream


@dataclass(frozen=True)
class Block:
    """kind: h1, h2, p, li, code, quote, row, figure, inline. `text` holds the caption of a figure."""

    kind: str
    text: str = ""
    alt: str = ""
    picture: Picture | None = None
    boilerplate: bool = False  # the site's own paragraph, repeated on many of its pages


@dataclass(frozen=True)
class Content:
    title: str
    blocks: tuple[Block, ...]
    pii: tuple[tuple[str, str], ...] = field(default=())  # (kind, value)

    def text(self) -> str:
        """The main text, captions included, a block a line."""
        return "\n".join(b.text for b in self.blocks if b.text)

    def pictures(self) -> list[Picture]:
        return [b.picture for b in self.blocks if b.picture is not None]


def write(web: Web, page: Page) -> Content:
    """The page's main content. Mirrors repeat their original's text, near-duplicates after a small edit, re-crawls as it was."""
    root = web.page(page.root)
    made = _original(web, root)
    if page.role == "mirror":
        theirs = iter(content(web, page))
        blocks = tuple(replace(b, picture=next(theirs)) if b.kind == "figure" else b for b in made.blocks)
        return replace(made, blocks=blocks)
    if page.role == "near":
        return _edited(made, Stream("edit", web.seed, page.index))
    return made


def boilerplate(web: Web, site: int) -> str:
    """A paragraph that a site puts under many of its articles."""
    return english.paragraph(Stream("boilerplate", web.seed, site), 2, 3)


def _original(web: Web, page: Page) -> Content:
    draw = Stream("content", web.seed, page.index)
    maker = {"article": _article, "recipe": _recipe, "forum": _forum, "product": _product, "docs": _docs, "listing": _listing}[page.type]
    made = maker(web, page, draw)
    if page.language == "en" and page.type == "article" and draw.chance(0.12):
        made = _with_pii(made, page, draw)
    if page.language == "en" and page.type in ("article", "recipe") and draw.chance(0.6):
        made = replace(made, blocks=(*made.blocks, Block("p", boilerplate(web, page.site), boilerplate=True)))
    return made


def _article(web: Web, page: Page, draw: Stream) -> Content:
    lang = page.language
    title = languages.title(lang, draw)
    blocks = [Block("h1", title)]
    blocks += [Block("p", languages.paragraph(lang, draw, 3, 5)) for _ in range(draw.between(1, 2))]
    for n, shown in enumerate(content(web, page)):
        blocks += _told(shown, lang, draw, heading=draw.chance(0.35))
        if lang == "en" and draw.chance(0.15):
            blocks.append(Block("inline", picture=inline_icon(page, n), alt=""))
        blocks.append(Block("p", languages.paragraph(lang, draw, 3, 5)))
    if lang == "en" and draw.chance(0.2):
        blocks.append(Block("quote", english.sentence(draw)))
    blocks.append(Block("p", languages.paragraph(lang, draw, 3, 5)))
    return Content(title, tuple(blocks))


def _told(shown: Picture, lang: str, draw: Stream, heading: bool = False) -> list[Block]:
    """A picture woven into text: a paragraph that tells what it shows, the picture with its caption."""
    assert shown.told is not None
    out = []
    if heading:
        out.append(Block("h2", languages.title(lang, draw)))
    lead = sentence(shown.told, lang, draw)
    joint = "" if lang in ("ja", "zh") else " "
    out.append(Block("p", f"{lead}{joint}{languages.paragraph(lang, draw, 2, 3)}"))
    how = draw.below(10)
    text = caption(shown.told, lang, draw) if how < 7 else ""
    words = alt(shown.told, lang, draw) if how >= 5 else draw.pick(("", "photo", "picture"))
    out.append(Block("figure", text, words, shown))
    return out


def _recipe(web: Web, page: Page, draw: Stream) -> Content:
    food = draw.pick(("apple cake", "onion soup", "brown bread", "lemon pie", "rice with fish", "bean salad", "cheese rolls", "potato pan"))
    title = f"How to make {food} {draw.pick(('at home', 'for the family', 'in the old way', 'for many guests'))}"
    blocks = [Block("h1", title), Block("p", english.paragraph(draw, 3, 4))]
    shown = content(web, page)
    blocks += _told(shown[0], "en", draw)
    blocks.append(Block("h2", "What you will need for this"))
    things = (
        "flour", "butter", "sugar", "salt", "milk", "water", "apples", "onions", "cheese", "rice", "honey", "oil", "lemon", "pepper",
    )  # fmt: skip
    units = ("grams of", "spoons of", "cups of", "pieces of")
    blocks += [
        Block("li", f"{draw.between(1, 9) * 10} {draw.pick(units)} {t} for the {food}") for t in draw.sample(things, draw.between(5, 7))
    ]
    blocks.append(Block("h2", "How it is done, step by step"))
    steps = (
        "Put the {a} and the {b} into a large bowl, and stir until there is nothing dry left.",
        "While the {a} is getting warm, cut the {b} into small pieces and keep them on the side.",
        "Now add the {a}; it should be soft, but not so soft that it runs.",
        "Let all of this stand for {n} minutes, or until the {a} has become brown on the top.",
        "If the {a} is too dry for you, then a little more of the {b} will help.",
        "Take it out of the oven after {n} minutes, and wait until it is cold before you cut it.",
    )
    for step in draw.sample(steps, 5):
        a, b = draw.sample(things, 2)
        blocks.append(Block("p", f"{step.format(a=a, b=b, n=draw.between(5, 55))} {english.sentence(draw)}"))
    for p in shown[1:]:
        blocks += _told(p, "en", draw)
    blocks.append(Block("p", english.paragraph(draw, 2, 3)))
    return Content(title, tuple(blocks))


def _forum(web: Web, page: Page, draw: Stream) -> Content:
    title = english.title(draw) + "?"
    blocks = [Block("h1", title), Block("p", english.paragraph(draw, 3, 5))]
    for p in content(web, page):
        blocks += _told(p, "en", draw)
        blocks.append(Block("p", english.paragraph(draw, 2, 4)))
    for _ in range(draw.between(3, 5)):
        blocks.append(Block("p", english.paragraph(draw, 2, 4)))
    return Content(title, tuple(blocks))


def _product(web: Web, page: Page, draw: Stream) -> Content:
    name = f"{draw.pick(('Garden', 'Travel', 'Kitchen', 'Office', 'Winter'))} {draw.pick(('table', 'lamp', 'bag', 'chair', 'clock'))}"
    title = f"{name} {draw.pick('ABCDEFGH')}{draw.between(10, 99)}"
    blocks = [Block("h1", title)]
    shown = content(web, page)
    blocks += _told(shown[0], "en", draw)
    blocks.append(Block("p", f"The {name.lower()} is made for people who want it to last. {english.paragraph(draw, 3, 4)}"))
    for label in draw.sample(("Height", "Width", "Weight", "Colour of the case", "Made in", "Year of the model"), 4):
        blocks.append(Block("row", f"{label}: {draw.between(2, 240)}"))
    blocks.append(Block("p", english.paragraph(draw, 3, 4)))
    for p in shown[1:]:
        blocks += _told(p, "en", draw)
    blocks.append(Block("p", english.paragraph(draw, 3, 4)))
    return Content(title, tuple(blocks))


def _docs(web: Web, page: Page, draw: Stream) -> Content:
    verb, thing = draw.pick(("open", "read", "count", "move", "draw")), draw.pick(("a list", "a file", "a picture", "the table"))
    title = f"How to {verb} {thing} in {draw.between(2, 9)} steps"
    blocks = [Block("h1", title), Block("p", english.paragraph(draw, 3, 4))]
    for n, p in enumerate(content(web, page)):
        blocks.append(Block("h2", f"Step {n + 1}: {english.title(draw)}"))
        blocks += _told(p, "en", draw)
        code = f"items = load('part-{draw.between(1, 99)}')\nfor item in items:\n    print(item.name, {draw.between(1, 9)})"
        blocks.append(Block("code", code))
        blocks.append(Block("p", english.paragraph(draw, 3, 4)))
    blocks.append(Block("p", english.paragraph(draw, 3, 5)))
    return Content(title, tuple(blocks))


def _listing(web: Web, page: Page, draw: Stream) -> Content:
    title = f"All stories of week {draw.between(1, 52)}"
    blocks = [Block("h1", title)]
    for _ in range(draw.between(6, 9)):
        blocks += [Block("h2", english.title(draw)), Block("p", english.sentence(draw))]
    return Content(title, tuple(blocks))


def _with_pii(made: Content, page: Page, draw: Stream) -> Content:
    name = f"{draw.pick(('anna', 'peter', 'maria', 'john', 'clara', 'tom'))}.{draw.pick(('smith', 'miller', 'brown', 'carter', 'young'))}"
    mail = f"{name}{draw.between(1, 99)}@mail.site-{page.site:03d}.example"
    address = f"{draw.pick((81, 82, 91, 145, 178, 203))}.{draw.between(1, 99)}.{draw.between(1, 250)}.{draw.between(1, 250)}"
    text = f"If you were there as well, then write to {mail} and tell us what you saw. The note was sent from {address} in the evening."
    blocks = list(made.blocks)
    blocks.insert(2, Block("p", text))
    return replace(made, blocks=tuple(blocks), pii=(("email", mail), ("ip", address)))


def _edited(made: Content, draw: Stream) -> Content:
    """A small edit: a sentence left out, or a word exchanged in each of two paragraphs."""
    blocks = list(made.blocks)
    plain = [i for i, b in enumerate(blocks) if b.kind == "p" and b.text.count(". ") >= 2 and not b.boilerplate]
    if draw.chance(0.5):
        i = draw.pick(plain)
        sentences = blocks[i].text.split(". ")
        del sentences[draw.between(1, len(sentences) - 2)]
        blocks[i] = replace(blocks[i], text=". ".join(sentences))
        return replace(made, blocks=tuple(blocks))
    for i in draw.sample(plain, 2):
        words = blocks[i].text.split(" ")
        words[draw.between(len(words) // 2, len(words) - 2)] = draw.pick(("indeed", "perhaps", "today", "again"))
        blocks[i] = replace(blocks[i], text=" ".join(words))
    return replace(made, blocks=tuple(blocks))
