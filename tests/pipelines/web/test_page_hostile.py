"""Input made to hurt: every case must give a page, and one that costs more than its limits must say which."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

from pipelines.web.page import Limits, Page, extract

BOMBS = {
    "deep div": b"<div>" * 200_000 + b"x",
    "deep and closed": b"<div>" * 200_000 + b"x" + b"</div>" * 200_000,
    "deep formatting": b"<a><b>" * 100_000 + b"y",
    "deep tables": b"<table>" * 50_000,
    "deep svg": b"<svg><g>" + b"<g>" * 100_000,
    "many paragraphs": b"<p>x" * 150_000,
    "many images": b"<img src=x>" * 20_000,
    "many breaks": b"x<br>" * 20_000,
    "long class": b"<div class='" + b"a-b " * 100_000 + b"'>text</div>",
    "long srcset": b"<p>text<img srcset='" + b"," * 100_000 + b"'>",
    "srcset of spaces": b"<p>text<img srcset='" + b" " * 100_000 + b"'>",
    "many candidates": b"<p>text<img srcset='" + b"a 1x," * 50_000 + b"'>",
    "long style": b"<p>text<img src=a style='" + b"width:" * 50_000 + b"'>",
    "long ld+json": b'<script type="application/ld+json">' + b'"@type":["' * 50_000 + b"</script><p>text",
    "unclosed comment": b"<p>text<!--" + b"-" * 200_000,
    "unclosed attribute": b"<p>text<a href='" + b"<b>" * 50_000,
    "many attributes": b"<p>text<div " + b" ".join(b"a%d=1" % i for i in range(5_000)) + b">x</div>",
    "entities": b"<p>" + b"&amp" * 100_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs(name):
    got = extract(BOMBS[name], "http://a.example/")
    assert isinstance(got, Page)
    if name.startswith("deep"):
        assert got.truncated == "max_depth"


def test_a_cut_page_keeps_what_came_before():
    got = extract(
        b"<html><body>" + b"<p>A paragraph that stands before the trouble begins, long enough to be read.</p>" * 8 + b"<div>" * 100_000,
        "http://a.example/",
    )
    assert got.truncated == "max_depth" and any("before the trouble" in n.text for n in got.nodes)


def test_fuzz_corpora(shared_data):
    limits = Limits(max_nodes=5_000, max_depth=100)
    read = 0
    with gzip.open(shared_data / "html_hostile.jsonl.gz", "rt", encoding="utf-8") as f:
        for case in map(json.loads, f):
            got = extract(base64.b64decode(case["b64"]), "http://a.example/x/", limits)
            assert [n.index for n in got.nodes] == list(range(len(got.nodes)))
            assert all(n.url.startswith(("http://", "https://")) for n in got.nodes if n.kind == "image")
            read += 1
    assert read > 2_000
