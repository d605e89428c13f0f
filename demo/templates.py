"""Main content to HTML, in the manners of six site builders, with everything around it that is not content."""

from __future__ import annotations

from html import escape

from demo import languages
from demo.articles import Block, Content
from demo.pictures import Picture, chrome, thumb
from demo.plan import Page, Web
from demo.rng import Stream

STYLES = 6
_NAV = ("Home", "News", "About us", "Archive", "Contact", "Sign in")
_LABELS = {"de": "Startseite", "fr": "Accueil", "es": "Inicio", "it": "Pagina iniziale", "pt": "Início", "nl": "Startpagina"}


def page_html(web: Web, page: Page, made: Content) -> str:
    """The whole page as HTML text (characters; encoding is the archive's matter)."""
    style = page.site % STYLES
    draw = Stream("html", web.seed, page.index)
    around = chrome(page)
    main = "\n".join(_blocks(made.blocks, style, page, draw))
    if page.type == "forum":
        main = _posts(main)
    head = [f"<title>{escape(made.title)} | Site {page.site:03d}</title>", *_meta(page, draw), *_hints(page, made, style)]
    charset = {"utf-8-bom": "utf-8", "windows-1252-undeclared": ""}.get(page.charset, page.charset)
    if charset and charset != "utf-16":
        head.insert(0, f'<meta charset="{charset}">')
    pixel = f'<img src="{escape(around["pixel"].url)}" width="1" height="1" alt="">'
    parts = [
        "<!DOCTYPE html>", f'<html lang="{page.language}">', "<head>", *head, "</head>", f'<body class="style-{style}">',
        _header(page, around), _wrap(main, style), _share(around), _author(page, around, draw), _related(web, page, draw),
        _comments(page, draw), _footer(page, around), pixel,
        "<script>window.dataLayer = window.dataLayer || []; track('view');</script>", "</body>", "</html>",
    ]  # fmt: skip
    html = "\n".join(parts)
    return _malformed(html, page.variant) if page.role == "malformed" else html


def _meta(page: Page, draw: Stream) -> list[str]:
    if page.signal.startswith("meta:"):
        return [f'<meta name="robots" content="{page.signal[5:].replace(",", ", ")}">']
    if page.signal == "tdm-meta":
        return ['<meta name="tdm-reservation" content="1">', '<meta name="tdm-policy" content="/tdm-policy.json">']
    if draw.chance(0.15):  # says nothing against training
        return ['<meta name="robots" content="index, follow, max-image-preview:large">']
    return []


def _hints(page: Page, made: Content, style: int) -> list[str]:
    out = [f'<meta property="og:title" content="{escape(made.title)}">']
    if made.pictures() and style % 2 == 0:
        out.append(f'<meta property="og:image" content="{escape(made.pictures()[0].url)}">')
    return out


def _blocks(blocks: tuple[Block, ...], style: int, page: Page, draw: Stream) -> list[str]:
    out: list[str] = []
    previous = ""
    for b in blocks:
        for kind, tag in (("li", "ul"), ("row", "table")):
            if previous == kind and b.kind != kind:
                out.append(f"</{tag}>")
            if b.kind == kind and previous != kind:
                out.append(f"<{tag}>")
        previous = b.kind
        if b.kind == "figure":
            out.append(_figure(b, style, draw))
        elif b.kind == "inline":
            assert b.picture is not None
            out.append(f'<p><img src="{b.picture.url}" alt="{escape(b.alt)}"></p>')
        elif b.kind == "code":
            out.append(f"<pre><code>{escape(b.text)}</code></pre>")
        elif b.kind == "quote":
            out.append(f"<blockquote><p>{escape(b.text)}</p></blockquote>")
        elif b.kind == "row":
            label, _, value = b.text.partition(": ")
            out.append(f"<tr><th>{escape(label)}:</th> <td>{escape(value)}</td></tr>")
        elif b.kind == "p" and style == 3:
            out.append(f'<div class="text-block">{escape(b.text)}</div>')
        else:
            out.append(f"<{b.kind}>{escape(b.text)}</{b.kind}>")
    for kind, tag in (("li", "ul"), ("row", "table")):
        if previous == kind:
            out.append(f"</{tag}>")
    return out


def _figure(b: Block, style: int, draw: Stream) -> str:
    """The same picture and caption as six builders write it."""
    assert b.picture is not None
    p: Picture = b.picture
    words, url = escape(b.alt), escape(p.url)
    size = f' width="{p.width}" height="{p.height}"'
    if style == 0:
        inner = f'<img src="{url}" alt="{words}"{size}>'
    elif style == 1:
        inner = f'<img class="lazyload" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" data-src="{url}" alt="{words}">'
    elif style == 2:
        inner = f'<img src="{url}" srcset="{url} 1x" alt="{words}" loading="lazy">'
    elif style == 3:
        inner = f'<picture><source srcset="{url}" type="image/*"><img src="{url}" alt="{words}"></picture>'
    elif style == 4:
        inner = f'<img data-original="{url}" alt="{words}"><noscript><img src="{url}" alt="{words}"></noscript>'
    else:
        inner = f'<a href="{url}"><img src="{url}" alt="{words}"{size}></a>'
    if not b.text:
        return f"<p>{inner}</p>" if style % 2 else f'<div class="image">{inner}</div>'
    if style == 5:
        return f'<div class="wp-caption">{inner}<p class="wp-caption-text">{escape(b.text)}</p></div>'
    return f"<figure>{inner}<figcaption>{escape(b.text)}</figcaption></figure>"


def _wrap(main: str, style: int) -> str:
    if style == 0:
        return f"<main><article>{main}</article></main>"
    if style == 1:
        return f'<div id="content"><div class="entry-content">{main}</div></div>'
    if style == 2:
        return f'<article class="post"><div class="post-body">{main}</div></article>'
    if style == 3:
        return f'<div class="wrapper"><div class="story-body">{main}</div></div>'
    if style == 4:
        return f'<section role="main"><div class="article-text">{main}</div></section>'
    return f'<div class="page"><div class="hentry"><div class="entry">{main}</div></div></div>'


def _posts(main: str) -> str:
    """A forum thread: every paragraph after the question is a post of its own."""
    before, after = '<div class="post"><div class="post-content">', "</div></div>"
    return "\n".join(f"{before}{line}{after}" if line.startswith("<p>") else line for line in main.split("\n"))


def _header(page: Page, around: dict[str, Picture]) -> str:
    home = _LABELS.get(page.language, _NAV[0])
    items = "".join(f'<li><a href="/{name.lower().replace(" ", "-")}">{name}</a></li>' for name in (home, *_NAV[1:]))
    logo = around["logo"]
    image = f'<img src="{logo.url}" alt="Site {page.site:03d}" width="{logo.width}" height="{logo.height}">'
    return (
        f'<header class="site-header"><a href="/">{image}</a>'
        f'<nav class="menu"><ul>{items}</ul></nav></header>\n'
        f'<div class="ad advert"><a href="/offers"><img src="{around["ad"].url}" alt="Advertisement"></a></div>'
    )


def _share(around: dict[str, Picture]) -> str:
    return (
        f'<div class="share social"><a href="#"><img src="{around["share1"].url}" alt="Share"></a>'
        f'<a href="#"><img src="{around["share2"].url}" alt="Tweet"></a> Share this story</div>'
    )


def _author(page: Page, around: dict[str, Picture], draw: Stream) -> str:
    name = f"{draw.pick(('Anna', 'Peter', 'Maria', 'John'))} {draw.pick(('Smith', 'Miller', 'Brown', 'Carter'))}"
    return f'<div class="author-box byline"><img src="{around["avatar"].url}" alt="{name}"> <span>By {name}</span></div>'


def _related(web: Web, page: Page, draw: Stream) -> str:
    items = []
    for n in range(3):
        t = thumb(page, n)
        label = escape(languages.title(page.language, draw))
        image = f'<img src="{t.url}" alt="" width="{t.width}" height="{t.height}">'
        items.append(f'<li><a href="/related/{page.index}-{n}">{image} {label}</a></li>')
    return f'<aside class="related sidebar"><h3>Related</h3><ul>{"".join(items)}</ul></aside>'


def _comments(page: Page, draw: Stream) -> str:
    if page.type != "article" or not draw.chance(0.4):
        return ""
    said = [escape(languages.paragraph(page.language, draw, 1, 2)) for _ in range(draw.between(1, 3))]
    items = "".join(f'<li class="comment"><p>{text}</p></li>' for text in said)
    form = "<form><textarea></textarea><button>Send</button></form>"
    return f'<div id="comments" class="comments"><h3>Comments</h3><ol>{items}</ol>{form}</div>'


def _footer(page: Page, around: dict[str, Picture]) -> str:
    return (
        f'<footer class="footer"><img src="{around["badge"].url}" alt="Seal">'
        f"<p>© 2026 Site {page.site:03d}. All rights reserved.</p>"
        '<ul><li><a href="/privacy">Privacy</a></li><li><a href="/terms">Terms of use</a></li>'
        '<li><a href="/cookies">Cookies</a></li></ul></footer>'
    )


def _malformed(html: str, variant: int) -> str:
    """Markup that browsers mend without a word."""
    if variant % 4 == 0:
        return html.replace("</p>", "").replace("</li>", "").replace("</body>\n</html>", "")
    if variant % 4 == 1:
        return html.replace("<!DOCTYPE html>\n", "").replace("</figure>", "</figure></div></span>").replace("<h2>", "<h2><b><i>")
    if variant % 4 == 2:
        return html.replace(' width="', " width=").replace("<h1>", "<h1 <h1>").replace("&amp;", "&amp")
    return html.replace("<article", "<ARTICLE").replace("<p>", "<P align= style=>").replace("</head>", "")
