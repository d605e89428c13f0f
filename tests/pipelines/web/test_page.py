"""Pages generated to hold one feature each: what must come out is known because we wrote the page."""

from __future__ import annotations

import pytest

from pipelines.web.page import Limits, Page, extract
from schemas.ids import image_id

URL = "https://site.example/news/2024/story.html"
SENTENCES = (
    "The old harbour was built by fishermen who needed shelter from the winter storms.",
    "Over the years, as trade grew, the town added two stone piers and a lighthouse.",
    "Visitors can still see the marks that ropes have left in the granite bollards.",
    "A small museum, open from April to October, tells the story of the families who lived here.",
    "Its collection of maps, letters and photographs was given by the last pilot of the port.",
    "In the evening, when the ferries have gone, the quay belongs to anglers and gulls.",
)
NAV = (
    "<nav><ul>"
    + "".join(f"<li><a href='/{w}'>{w.title()}</a></li>" for w in "home news sport travel weather contact".split())
    + "</ul></nav>"
)
FOOTER = (
    "<footer><p>Copyright 2024 Example Media. All rights reserved.</p><a href='/privacy'>Privacy</a> <a href='/terms'>Terms</a></footer>"
)
SIDE = (
    "<aside class='sidebar'><h4>Most read</h4><ul>"
    + "".join(f"<li><a href='/s{i}'>Another story number {i}</a></li>" for i in range(8))
    + "</ul></aside>"
)


def prose(n: int = 6, start: int = 0) -> str:
    return "".join(f"<p>{SENTENCES[(start + i) % 6]} {SENTENCES[(start + i + 1) % 6]}</p>" for i in range(n))


def page(body: str, head: str = "") -> str:
    return (
        f"<!doctype html><html lang='en-GB'><head><title>The old harbour - Example Media</title>{head}</head><body>"
        f"<header class='site-header'><a href='/'>Example Media</a></header>{NAV}"
        f"<main><article class='post'><h1>The old harbour</h1>{body}</article></main>{SIDE}{FOOTER}</body></html>"
    )


def read(body: str, head: str = "") -> Page:
    return extract(page(body, head), URL)


def text(p: Page) -> str:
    return "\n\n".join(n.text for n in p.nodes if n.kind == "text")


def images(p: Page) -> list[str]:
    return [n.url for n in p.nodes if n.kind == "image"]


def with_image(tag: str, head: str = "") -> list[str]:
    return images(read(prose(3) + tag + prose(3, 3), head))


def test_boilerplate_goes_and_content_stays():
    got = text(read(prose()))
    assert all(s in got for s in SENTENCES)
    assert "Another story" not in got and "All rights reserved" not in got and "Weather" not in got


def test_nodes_are_numbered_and_named():
    p = read(prose(3) + "<img src='/a.jpg' alt=' A  boat ' width=640 height='480'>" + prose(3, 3))
    assert [n.index for n in p.nodes] == list(range(len(p.nodes))) and p.title == "The old harbour - Example Media"
    (image,) = [n for n in p.nodes if n.kind == "image"]
    assert image.url == "https://site.example/a.jpg" and image.image_id == image_id(image.url)
    assert (image.alt, image.width, image.height, image.role) == ("A boat", 640, 480, "image")
    before = [n.text for n in p.nodes[: image.index] if n.role == "p"]
    assert len(before) == 3 and p.nodes[image.index + 1].text.startswith(SENTENCES[3])


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ("<img src='data:image/gif;base64,R0lGOD' data-src='/lazy.jpg'>", "https://site.example/lazy.jpg"),
        ("<img data-original='/lazy.jpg'>", "https://site.example/lazy.jpg"),
        ("<img src='/img/blank.gif' data-lazy-src='photo.png?w=9'>", "https://site.example/news/2024/photo.png?w=9"),
        ("<img data-my-own='/x/photo.webp'>", "https://site.example/x/photo.webp"),
        ("<img srcset='/s.jpg 300w, /l.jpg 1200w, /m.jpg 600w'>", "https://site.example/l.jpg"),
        ("<img srcset='/one.jpg, /two.jpg 2x'>", "https://site.example/two.jpg"),
        ("<img srcset='/a,w_300.jpg 300w,\n /a,w_900.jpg 900w'>", "https://site.example/a,w_900.jpg"),
        ("<picture><source srcset='/p.webp 800w'><img alt='x'></picture>", "https://site.example/p.webp"),
        ("<picture><source srcset='/p.webp'><img src='/p.jpg'></picture>", "https://site.example/p.jpg"),
        ("<img><noscript><img src='/real.jpg'></noscript>", "https://site.example/real.jpg"),
        ("<img src='/tiny.jpg?q=20'><noscript><img src='/real.jpg'></noscript>", "https://site.example/real.jpg"),
        ("<img src='//cdn.example/a b.jpg'>", "https://cdn.example/a%20b.jpg"),
        ("<img src='../../up.jpg'>", "https://site.example/up.jpg"),
        ("<img src='?v=1'>", "https://site.example/news/2024/story.html?v=1"),
    ],
)  # fmt: skip
def test_the_address_of_an_image(tag, url):
    assert with_image(tag) == [url]


@pytest.mark.parametrize(
    "tag",
    [
        "<img src='javascript:alert(1)'>", "<img src='data:image/png;base64,AAAA'>", "<img src='http://[bad/x.png'>",
        "<img src='file:///a.png'>",
        "<img src='/pixel.gif' width=1 height=1>", "<img src='/i.png' style='width:16px;height:16px'>",
        "<img src='/theme/share-icon.png'>", "<img>",
    ],
)  # fmt: skip
def test_what_is_no_content_image(tag):
    assert with_image(tag) == []


def test_base_element():
    assert with_image("<img src='a.jpg'>", "<base href='/deep/er/'>") == ["https://site.example/deep/er/a.jpg"]
    assert with_image("<img src='a.jpg'>", "<base href='https://cdn.example/x'>") == ["https://cdn.example/a.jpg"]
    assert with_image("<img src='a.jpg'>", "<base href='http://[bad'>") == ["https://site.example/news/2024/a.jpg"]


def test_images_of_navigation_and_sidebar_go():
    body = (
        page(prose())
        .replace("</aside>", "<img src='/side.jpg' width=300 height=200></aside>")
        .replace("<ul>", "<ul><img src='/nav.jpg'>", 1)
    )
    assert images(extract(body, URL)) == []


def test_caption_belongs_to_its_image():
    p = read(prose(3) + "<figure><img src='/a.jpg'><figcaption>Fishing boats at <b>low tide</b></figcaption></figure>" + prose(3, 3))
    (image,) = [n for n in p.nodes if n.kind == "image"]
    assert image.caption == "Fishing boats at low tide"
    assert all(n.role == "caption" for n in p.nodes if n.text == image.caption)


def test_gallery_keeps_its_order():
    gallery = "<div class='gallery'>" + "".join(f"<figure><img src='/g{i}.jpg' width=600 height=400></figure>" for i in range(5)) + "</div>"
    assert images(read(prose(3) + gallery + prose(3, 3))) == [f"https://site.example/g{i}.jpg" for i in range(5)]


def test_list_has_line_breaks():
    items = [f"{s[:-1]}, as the guide says" for s in SENTENCES[:4]]
    p = read(prose(3) + "<ul>" + "".join(f"<li>{i}</li>" for i in items) + "</ul>" + prose(3, 3))
    assert [n.text for n in p.nodes if n.role == "li"] == ["\n".join(items)]


def test_table_reads_by_rows():
    rows = [
        ("Harbour", "Depth", "Berths"),
        ("Northport", "7 metres", "120"),
        ("Southport", "5 metres", "80"),
        ("Westport", "9 metres", "45"),
    ]
    table = "<table>" + "".join("<tr>" + "".join(f"<td>{c}</td>" for c in r) + "</tr>" for r in rows) + "</table>"
    (node,) = [n for n in read(prose(4) + table + prose(4, 2)).nodes if n.role == "table"]
    assert node.text == "\n".join(" | ".join(r) for r in rows)


def test_code_is_verbatim():
    code = "def tide(hour):\n    if hour &lt; 6:\n        return 'low'\n    return 'high'"
    (node,) = [n for n in read(prose(3) + f"<pre><code>{code}</code></pre>" + prose(3, 3)).nodes if n.role == "code"]
    assert node.text == code.replace("&lt;", "<")


def test_headings_and_quotes_keep_their_names():
    p = read(prose(3) + f"<h2>The lighthouse keepers</h2><blockquote><p>{SENTENCES[5]}</p></blockquote>" + prose(3, 3))
    roles = {n.text: n.role for n in p.nodes}
    assert roles["The lighthouse keepers"] == "h2" and roles[SENTENCES[5]] == "quote"


def test_inline_elements_do_not_break_words_or_paragraphs():
    got = text(
        read(
            prose(2)
            + "<p>The <em>light</em>house, <a href='/x'>first lit</a> in <b>18</b>42, still works and is open to visitors.</p>"
            + prose(2)
        )
    )
    assert "The lighthouse, first lit in 1842, still works and is open to visitors." in got


def test_one_break_is_a_line_two_are_a_paragraph():
    poem = f"<p>{SENTENCES[0]}<br>{SENTENCES[1]}<br><br>{SENTENCES[2]}</p>"
    texts = [n.text for n in read(prose(2) + poem + prose(2)).nodes]
    assert f"{SENTENCES[0]}\n{SENTENCES[1]}" in texts and SENTENCES[2] in texts


def test_several_articles_are_parted():
    body = "<main>" + "".join(f"<article><h2>{t}</h2>{prose(4, i)}</article>" for i, t in enumerate(("One", "Two", "Three"))) + "</main>"
    nodes = extract(f"<html><title>Three articles</title><body>{NAV}{body}{FOOTER}</body></html>", URL).nodes
    assert [n.role for n in nodes].count("end") == 2 and all(n.text == "" for n in nodes if n.role == "end")
    assert not any(n.role == "end" for n in read(prose()).nodes)


def test_forum_posts_are_content():
    posts = "".join(
        f"<div class='post'><div class='author'><a href='/u{i}'>user{i}</a></div>"
        f"<div class='message'>{SENTENCES[i]} {SENTENCES[(i + 1) % 6]}</div></div>"
        for i in range(6)
    )
    p = extract(
        f"<html><title>Which harbour is best? - Forum</title><body>{NAV}"
        f"<h1>Which harbour is best?</h1><div class='thread'>{posts}</div>{FOOTER}</body></html>",
        URL,
    )
    assert all(s in text(p) for s in SENTENCES) and "Privacy" not in text(p)


def test_scripts_styles_and_templates_are_no_text():
    got = text(
        read(
            prose(3)
            + "<script>var a='XX'</script><style>XX{}</style><template><p>XX</p></template><noscript>XX</noscript><!-- XX -->"
            + prose(3)
        )
    )
    assert "XX" not in got and SENTENCES[0] in got


def test_meta_of_robots_and_rights():
    head = "<meta name=ROBOTS content='noai, noindex'><meta property='og:type' content=article>"
    head += "<meta name='tdm-reservation' content=1><link rel=canonical href=/c>"
    assert read(prose(), head).meta == (
        ("link:canonical", "/c"),
        ("robots", "noai, noindex"),
        ("tdm-reservation", "1"),
        ("html:lang", "en-GB"),
    )
    assert ("robots", "noai") in read(prose(2) + "<meta name=robots content=noai>" + prose(2)).meta  # wherever it stands


def test_bytes_and_text_read_alike_and_twice_alike():
    html = page(prose() + "<img src='/ä.jpg'><p>Größe, naïve, 日本語の文章です。</p>")
    assert extract(html, URL) == extract(html.encode(), URL) == extract(html, URL)


def test_languages_without_spaces():
    body = "".join(f"<p>{'港は古い漁師によって建てられました。冬の嵐から船を守るために必要でした。' * (2 + i % 2)}</p>" for i in range(6))
    assert text(read(body)).count("港は古い") >= 12


def test_a_page_of_one_image_keeps_it():
    p = extract("<html><body><img src=/alone.jpg width=600 height=500></body></html>", URL)
    assert images(p) == ["https://site.example/alone.jpg"] and text(p) == ""


@pytest.mark.parametrize(
    "html",
    [
        b"",
        b" \n",
        b"\x00",
        b"<",
        b"</",
        b"<!doctype",
        b"\xff\xfe",
        b"<html><head></head></html>",
        b"<frameset><frame src=x></frameset>",
        "",
        "\ud800",
    ],
)
def test_next_to_nothing(html):
    assert isinstance(extract(html, URL), Page)


def test_limits_are_named():
    assert extract(page(prose()), URL, Limits(max_bytes=500)).truncated == "max_bytes"
    assert extract(page(prose(50)), URL, Limits(max_nodes=60)).truncated == "max_nodes"
    deep = "<div>" * 200 + "deep" + "</div>" * 200
    assert extract(deep, URL, Limits(max_depth=100)).truncated == "max_depth"
    assert extract(page(prose()), URL).truncated == ""
