"""What a page says of itself: searched by bytes, read the same in whatever order it is written."""

from __future__ import annotations

import random

import numpy as np
import pytest
from selectolax.lexbor import LexborHTMLParser

from pipelines.web.dom import head, markup
from pipelines.web.dom.tree import Tree

URL = "https://site.example/a/b.html"


def read(inside: str) -> head.Head:
    html = f"<!doctype html><html><head>{inside}</head><body><p>Text.</p></body></html>"
    return head.read(Tree((LexborHTMLParser(html).html or "").encode(), 10_000, 512), "", URL)


def test_find_is_that_of_bytes():
    rng = random.Random(3)
    for size in (0, 1, 6, 7, 50, 1023, 1030, 5000):
        data = bytes(rng.choice(b"ld+jsonx") for _ in range(size))
        if size > 30:
            at = rng.randrange(size - 7)
            data = data[:at] + b"ld+json" + data[at + 7 :]
        for at in (0, 1, size // 2, max(0, size - 7), size + 3):
            for word in (b"ld+json", b"ld+", b"son"):
                assert markup.find(np.frombuffer(data, np.uint8), np.frombuffer(word, np.uint8), at) == data.find(word, at), (
                    data,
                    word,
                    at,
                )


@pytest.mark.parametrize(
    "tag",
    ['<meta name="Robots" content="noai &amp; none">', '<meta content="noai &amp; none" name="robots">', '<meta data-x="1" name="robots" content="noai &amp; none">',
     '<meta name="robots" id="r" content="noai &amp; none">', '<meta http-equiv="robots" content="noai &amp; none">', "<meta property=' ROBOTS ' content='noai & none'>"],
)  # fmt: skip
def test_meta_in_any_order(tag):
    assert read(f'<meta charset="utf-8"><meta name="viewport" content="x">{tag}').meta == (("robots", "noai & none"),)


def test_the_first_name_counts():
    assert read('<meta property="og:title" name="title" content="A">').title == ""
    assert read('<meta property="og:title" content="A"><meta content="B" property="og:title">').title == "A"
    found = read(
        '<meta name="description" content="a"><meta property="og:description" content="b"><meta property="og:type" content="Article">'
    )
    assert (found.summary, found.og_type) == ("a b", "article")


def test_links():
    assert read('<link rel="stylesheet" href="/c.css"><link href="/x" rel="CANONICAL">').meta == (("link:canonical", "/x"),)
    assert read('<link rel="stylesheet" href="/canonical.css">').meta == ()


def test_structured_data_anywhere():
    page = (
        b'<p>ld+json</p><script type="application/ld+json">{"a": 1}</script>'
        + b"x" * 3000
        + b"<SCRIPT type=application/ld+json>{}</SCRIPT >"
    )
    assert head.structured(page) == head.structured(page.decode()) == '{"a": 1} {}'
    assert head.structured(b"<script type=application/ld+json>{") == "{"
    assert head.structured(b"ld+json") == ""
