"""The compiled scanner: what it finds in serialised HTML, and that its tables fit each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser

from filters.text import words as lists
from pipelines.web.dom import context, features, hints, markup, model, pagehints, scan, tags
from pipelines.web.dom.tree import Tree, attributes


def tree(html: str, nodes: int = 10_000, depth: int = 512) -> Tree:
    return Tree((LexborHTMLParser(html).html or "").encode(), nodes, depth)


def test_bits_that_the_scanner_sets_are_those_of_the_hints():
    assert hints.BIT["hidden"] == markup.HIDDEN_BIT
    assert len(hints.NAMES) < 30 and not any(b == markup.ITEM_BIT for b in hints.BIT.values())


def test_elements_are_found_by_their_hash():
    for name, number in tags.NUMBER.items():
        h = tags.name_hash(name.encode())
        assert tags.NUMBERS[np.nonzero(tags.KEYS == h)[0][0]] == number


@pytest.mark.parametrize(
    ("name", "group", "there"),
    [("main-nav", "navigation", True), ("siteNavigation", "navigation", True), ("navy", "navigation", False), ("ad", "advert", True),
     ("shadow", "advert", False), ("post-17", "post", True), ("compost", "post", False), ("sr-only", "hidden", True),
     ("wp-block-copy", "content", True), ("xenforo", "forum", True)],
)  # fmt: skip
def test_names(name, group, there):
    assert bool(hints.bits(name) & hints.BIT[group]) is there


def test_blocks_and_containers():
    t = tree("<div id=a>one <b>two</b><p class='x y'>three &amp; <a href=#>fo&nbsp;ur</a></p>five<br>six</div><pre>\n  a\n b </pre>")
    assert t.texts == ["one two", "three & fo ur", "five", "six", "  a\n b"]
    # the space before a link counts with it
    assert t.blocks[scan.LINKED].tolist() == [0, 6, 0, 0, 0] and t.blocks[scan.LINKS].tolist() == [0, 1, 0, 0, 0]
    names = {v: k for k, v in tags.NUMBER.items()}
    assert [names[n] for n in t.boxes[scan.TAG].tolist()] == ["body", "div", "p", "pre"]
    assert list(zip(t.start, t.end, strict=True)) == [(0, 5), (0, 4), (1, 2), (4, 5)]


def test_text_is_as_python_splits_it():
    draw = random.Random(5)
    for _ in range(200):
        text = "".join(draw.choice("ab é漢\u00a0\u3000\u2009\u200b\u2028\t\n&<\x1f😀") for _ in range(60))
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        expected = " ".join(LexborHTMLParser(f"<p>{escaped}</p>").css_first("p").text().split())
        assert tree(f"<p>{escaped}</p>").texts == ([expected] if expected else [])


def test_long_text_is_as_python_splits_it_wherever_its_spaces_fall():
    """Text is taken sixteen bytes at a time, single spaces with it."""
    draw = random.Random(6)
    blanks = [" ", "  ", "\n", " \n\t ", " " * 17, "\n" * 16, " \u3000", "\u00a0 ", "\x1f", "\x0b"]
    for _ in range(300):
        text = "".join("w" * draw.randrange(1, 40) + draw.choice(blanks) * draw.randrange(1, 3) for _ in range(draw.randrange(1, 12)))
        linked = len(" ".join(text.split()))
        t = tree(f"<p>{text}</p><p><a href=x>{text}</a></p>")
        written = LexborHTMLParser(f"<p>{text}</p>").css_first("p").text()
        assert t.texts == [" ".join(written.split())] * 2 and t.blocks[scan.LINKED].tolist() == [0, linked]


def test_a_name_means_the_same_each_time_it_is_met():
    draw = random.Random(8)
    names = [
        "".join(draw.choice(["ad", "Nav", "-", "post", "17", "x", "main", "_", "SR", "only"]) for _ in range(draw.randrange(1, 6)))
        for _ in range(150)
    ]
    names = [draw.choice(names) for _ in range(1000)]
    t = tree("".join(f"<p class='{name}'>t</p>" for name in names))
    assert t.boxes[scan.HINT, 1:].tolist() == [hints.bits(name) for name in names]


def test_attributes_as_written():
    assert attributes(b' class="a&amp;b" data-x="1>2" hidden="" class="second"') == {"class": "a&b", "data-x": "1>2", "hidden": ""}


def test_an_element_that_stands_for_an_image_is_one():
    t = tree(
        "<p>x</p><figure itemid='http://a.example/b.jpg' itemtype='http://schema.org/ImageObject'></figure><figure itemid=c><img src=d></figure>"
    )
    assert t.pictures.shape[1] == 2


def test_longer_texts_of_structured_data_are_told():
    long = "a text of more than twenty characters"
    assert pagehints.told(f'{{"headline": "{long}", "name": "{long} no"}}') == f'"{long}"'
    assert pagehints.told('{"text":"twenty characters so"}') == '"twenty characters so"'
    assert pagehints.told('{"text":"nineteen characters"}') == ""
    assert pagehints.told('{"text":"' + r"\n" * 20 + '"}').split() == ['"', '"']  # an escape is one character
    assert pagehints.told(f'{{"description":"{long} that never ends') == ""
    assert pagehints.told('{"recipeIngredient":["salt","oil"]}') == '["salt","oil"]'
    assert pagehints.told(r'{"text":"the \"text\" is \u00e9crit, all of it"}') == '"the  text  is écrit, all of it"'


def test_truncated_input_never_leaves_the_buffer():
    html = (
        LexborHTMLParser("<div class='a b'><xmp><b></xmp><p>t&nbsp;x<img srcset=a><!-- c --><svg><g></svg><plaintext>z").html or ""
    ).encode()
    draw = random.Random(1)
    for at in range(len(html)):
        broken = bytearray(html[:at] + html[at + draw.randrange(3) :])
        Tree(bytes(broken), 100, 8)


def test_features_fit_their_names():
    t = tree("<article><h1>A</h1><p>" + "Some words, more words. " * 9 + "</p></article>")
    m = features.Measured(t, "A", "", "", (0.0,) * sum(n in features.pagehints.NAMES for n in features.NAMES))
    m.x[:] = np.nan
    m = features.Measured(t, "A", "some words", "", (0.0,) * len(features.pagehints.NAMES))
    p = model.chances(m)
    assert len(features.NAMES) == len(set(features.NAMES)) and len(context.NAMES) == len(set(context.NAMES))
    assert np.isfinite(m.x).all() and ((p > 0) & (p < 1)).all()


def test_hashed_words_hold_what_they_were_given():
    words = lists.Hashed(["a", "é", "漢"])
    assert all(w in words for w in ("a", "é", "漢")) and "b" not in words and len(words) == 3 and not lists.Hashed(())
