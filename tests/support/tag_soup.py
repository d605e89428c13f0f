"""Pages that no author would write: random tags, broken tags and text, from a seed."""

from __future__ import annotations

import random

_TAGS = (
    "a address applet area article aside b base big blockquote body br button caption center code col colgroup dd details dialog div dl dt em embed "
    "fieldset figcaption figure font footer form frame h1 h2 h6 head header hr html i iframe image img input li link listing main marquee menu meta nav "
    "nobr noembed noframes noscript object ol optgroup option p param pre rb rp rt rtc ruby s script section select small source span strong style sub "
    "summary svg table tbody td template textarea tfoot th thead title tr track u ul video wbr xmp x-y path g use foreignObject desc circle math frameset"
).split()
_ATTRIBUTES = (
    "", " a=b", ' class="x y"', " id='q\"'", " HREF=?a=1&amp;b&copy=2&lt", " type=hidden", ' type="HIDDEN"', " a=1 A=2", " disabled", "/", " /", " x=/",
    ' "a=b', " ==c", " a = b", ' a="<b>"', " color=red", ' b="\r\n&nbsp;\xa0"', ' lang="de" lang=en',
)  # fmt: skip
_TEXTS = (
    "x", " ", "\n", "a b", "&amp;", "&lt;b&gt;", "&nbsp;", "\xa0", "é", "&#65;", "&#x80;", "&#0;", "&#xD800;", "&notin;", "&notit;", "&ampx", "&", "< a",
    "</>", "</ x>", "<!-- c -->", "<!-->", "<!--->", "<!--a--!>b", "<!x>", "<?p q?>", "<![CDATA[x]]>", "\r\n", "\r", '"', "'", ">", "<!doctype html>",
    '<!DOCTYPE html PUBLIC "x">', "&unknown;", "\x0c", "漢字", "-->", "<script>", "</script>", "<!--<script>",
)  # fmt: skip


def soup(rng: random.Random) -> bytes:
    """One page of up to some thirty pieces."""
    out = ["<!doctype html>"] if rng.random() < 0.5 else []
    tags = rng.sample(_TAGS, rng.randint(2, 12)) if rng.random() < 0.7 else _TAGS
    for _ in range(rng.randint(1, 30)):
        kind = rng.random()
        if kind < 0.45:
            name = rng.choice(tags)
            out.append(f"<{name if rng.random() < 0.9 else name.upper()}{rng.choice(_ATTRIBUTES) if rng.random() < 0.5 else ''}>")
        elif kind < 0.75:
            out.append(f"</{rng.choice(tags)}{rng.choice(_ATTRIBUTES) if rng.random() < 0.05 else ''}>")
        else:
            out.append(rng.choice(_TEXTS) if rng.random() < 0.6 else "x")
    page = "".join(out)
    if rng.random() < 0.05:  # cut anywhere, as by a crawler's limit
        page = page[: rng.randrange(len(page) + 1)]
    return page.encode()
