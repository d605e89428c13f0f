"""Pages written out in one pass are what the parser makes of them, byte by byte."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from pipelines.web import page
from pipelines.web.markup import normal
from tests.support.tag_soup import soup


def parsed(html: bytes) -> bytes:
    document = LexborHTMLParser(html)
    document.strip_tags(["script", "style", "svg", "template"])
    root = document.root
    assert root is not None
    for node in [n for n in root.traverse(include_text=True) if n.is_comment_node or n.tag is None]:  # None: <?x>
        node.remove()
    return (root.html or "").encode()


def differs(html: bytes) -> bool:
    written = normal.written(html)
    return written is not None and written != parsed(html)


CASES = {
    "nothing": b"x",
    "paragraphs close": b"<!doctype html><p>a<p>b<div>c</p>d",
    "a stray </p> is a paragraph": b"<div></p>x",
    "items close": b"<ul><li>a<ul><li>b</ul><li>c</ul><dl><dt>a<dd>b<div><dt>c",
    "headings close each other": b"<h1>a<h2>b</h1>c",
    "table parts that were left out": b"<table><tr><td>a<td>b<tr><th>c</table>d<table><td>e<col><caption>f<tbody></td>",
    "tables in tables": b"<table><table><tr><table></table><tr><td><table><td>x</table>y</table>z",
    "hidden fields in tables": b"<table><input type=hidden><form><tr><form></form><td>x</table>",
    "a table in a paragraph, by the doctype": b"<p>x<table></table><p>y",
    "formatting is opened again": b"<p><b class=x>a<i>b</p><p>d</b>e</i>f",
    "three equal at most are opened again": b"<p><b><b><b><b>x<p>y",
    "links do not nest": b"<a href=1>x<a href=2>y</a>z",
    "formatting stays out of cells and objects": b"<b><table><td>x</table><object>y</object>z",
    "blocks in formatting": b"<b class=x>a<p>b<i>c</b>d</i>e</p>f",
    "blocks in blocks in formatting": b"<b>a<div>b<ul><li>c<i>d</b>e</i></ul>f</div>g",
    "nothing but blocks in formatting": b"<a href='>'><div><p>x</a>y<div></a>z",
    "a form in formatting": b"<font><form>a<input></font>b</form>c<form>",
    "eight blocks deep": b"<b>" + b"<div>" * 7 + b"x</b>y",
    "many attributes": b"<p " + b" ".join(b"a%d A%d=1" % (i, i // 2) for i in range(250)) + b">",
    "forms that cross": b"<form><div></form>x</div>y<form>z",
    "selects": b"<select><option>a<optgroup>b<option>c<hr>d<input>e<select><b>f<select>g",
    "ruby": b"<ruby>a<rb>b<rt>c<rtc>d<rp>e</ruby>f",
    "buttons": b"<button>a<p><button>b",
    "text in fields": b"<textarea>\n\n<b>&amp;</textarea><title>a<b></title x>c<pre>\n\nx</pre>",
    "no token before a line feed": b"<pre></></>\r\n\nx</pre><listing></>\n</listing><pre></>y<pre></>",
    "raw text": b"<xmp><b>&amp;</xmp><iframe><p></iframe><noembed>&lt;</noembed><noframes><p></noframes>",
    "scripts of 1996": b"<script><!--<script></script>--></script>x<script><!-- </script>y",
    "no script": b"<head><noscript><link><img></noscript><p>x",
    "head and body": b" <html lang=a><head a> <meta> </head> <link> \r\n<title>x</title> <body b> y</body> <!--c--> <p>z</html> w",
    "a second body": b"<noscript><img></noscript><body class=a><body class=b id=c><html lang=d>x",
    "drawings": b"a<svg a=b><title>x</title><style>y</style><g/><script>z</script><![CDATA[<p>]]></svg>b<svg/>c",
    "templates": b"<template><td>a</td><template></template><script></template></script></template>b",
    "references": "&amp;&AMP&copy&notin;&notit;&#60;&#x3C&#;&#x;&#0;&#128;&#xFFFFFFFFF;&ngE;\xa0&nbsp;&zzz;".encode(),
    "references in attributes": b"<a href='?a&lt=1&copy=2&copy;&ampx&amp=3&amp' title=\"<'>\">",
    "attributes": b"<p a=1 A=2 b c='\"' d=e/f/ ==g \"h=i/><br/><img/src=x/><a\x0cb>",
    "line ends": b"a\rb\r\nc<a b='\r\n\r'>",
    "what looks like a tag": b"< a</>b</ c>d<?e?>f<!g><!--h--!>i<!-->j<!--->k<![CDATA[l]]>m",
    "ends inside a tag": b"<p>a<b c='",
    "names of any kind": b"<x:y z>a</x:y><ABC>b</aBc><image src=c>",
}


@pytest.mark.parametrize("name", CASES)
def test_is_what_the_parser_writes(name: str) -> None:
    for html in (CASES[name], b"<!doctype html>" + CASES[name], b"<div><p>" + CASES[name]):
        assert normal.written(html) is not None
        assert not differs(html), (normal.written(html), parsed(html))


@pytest.mark.parametrize(
    "html",
    [b"<b>x<i><p>y</b>z", b"<a>x<i><div><a>y", b"<b>" + b"<div>" * 9 + b"x</b>y", b"<form><b></form><p>x</b>", b"<table>x</table>", b"<table><div>x</table>", b"<math><mi>x</math>", b"<frameset>", b"<plaintext>x",
     b"<svg><p>x", b"<svg><foreignObject><p>x</svg>", b"a\0b", b"<div>" * 1_001, b"<p " + b" ".join(b"a%d" % i for i in range(257)) + b">",
     b'"' * 10 + b"<p a='" + b'"' * 10_000 + b"'>"],
)  # fmt: skip
def test_leaves_to_the_parser_what_would_have_to_move(html: bytes) -> None:
    assert normal.written(html) is None


@pytest.mark.parametrize("seed", range(4))
def test_any_soup_is_what_the_parser_writes(seed: int) -> None:
    rng = random.Random(seed)
    pages = [soup(rng) for _ in range(3_000)]
    wrong = [s for s in pages if differs(s)]
    assert not wrong, min(wrong, key=len)
    assert sum(normal.written(s) is not None for s in pages) > 0.8 * len(pages)


def test_a_page_reads_the_same_with_and_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    pages = [b"<p>A sentence of some words, and another one. <img src=a.jpg alt=b>".join(soup(rng) for _ in range(4)) for _ in range(200)]
    with_it = [page.extract(p, "https://www.example.org/") for p in pages]
    monkeypatch.setattr(normal, "written", lambda html: None)
    assert [page.extract(p, "https://www.example.org/") for p in pages] == with_it


@pytest.mark.skipif("WEFT_DATA" not in os.environ, reason="WEFT_DATA names no folder of real pages")
def test_real_pages_are_what_the_parser_writes() -> None:
    from benchmarks.extract import samples
    from pipelines.web.charset import decode

    pages = [decode(p.html).html for p in samples(Path(os.environ["WEFT_DATA"]))]
    assert not any(map(differs, pages))
    assert sum(normal.written(p) is None for p in pages) < 0.03 * len(pages)
