"""What each HTML element means to a reader of text, by the parser's tag numbers."""

from __future__ import annotations

from typing import Final

from selectolax.lexbor import create_tag

INLINE, BLOCK, SKIP, TEXT, IMAGE, BREAK, LINK, SOURCE, NOSCRIPT, PICTURE = range(10)

_BLOCK = (
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form frameset "
    "h1 h2 h3 h4 h5 h6 header hgroup html li legend main menu nav ol p pre listing plaintext xmp section summary table tbody td tfoot th "
    "thead tr ul search marquee"
).split()
_SKIP = (
    "script style template svg math iframe object embed applet select option textarea button head link meta title canvas audio video map "
    "area param track datalist progress meter noembed noframes rp input basefont bgsound"
).split()

NUMBER: Final[dict[str, int]] = {
    t: create_tag(t).tag_id for t in (*_BLOCK, *_SKIP, "img", "br", "hr", "a", "source", "noscript", "picture", "code")
}

ACTION: Final[dict[int, int]] = (
    {NUMBER[t]: BLOCK for t in _BLOCK}
    | {NUMBER[t]: SKIP for t in _SKIP}
    | {
        2: TEXT,  # LXB_TAG__TEXT
        4: SKIP,  # LXB_TAG__EM_COMMENT
        NUMBER["img"]: IMAGE,
        NUMBER["br"]: BREAK,
        NUMBER["hr"]: BREAK,
        NUMBER["a"]: LINK,
        NUMBER["source"]: SOURCE,
        NUMBER["noscript"]: NOSCRIPT,
        NUMBER["picture"]: PICTURE,
    }
)  # anything else, unknown elements too, is inline as CSS has it by default

ROLE: Final[dict[int, str]] = (
    {NUMBER[t]: t for t in ("h1", "h2", "h3", "h4", "h5", "h6")}
    | {NUMBER[t]: "li" for t in ("li", "dt", "dd")}
    | {NUMBER[t]: "code" for t in ("pre", "listing", "plaintext", "xmp")}
    | {NUMBER[t]: "table" for t in ("td", "th")}
    | {NUMBER["blockquote"]: "quote", NUMBER["figcaption"]: "caption"}
)

# Kinds of element a block stands in, as bits a child inherits.
_SCOPES = (
    ("article",), ("main",), ("nav", "menu"), ("aside",), ("header",), ("footer",), ("form", "fieldset", "dialog"), ("ul", "ol", "dir"),
    ("table",), ("blockquote",), ("figure",), ("dl",), ("section",), ("p",), ("details",),
)  # fmt: skip
SCOPE: Final[dict[int, int]] = {NUMBER[t]: 1 << i for i, group in enumerate(_SCOPES) for t in group}
SCOPES: Final = len(_SCOPES)
ARTICLE, MAIN, NAV, ASIDE, HEADER, FOOTER, FORM, LIST, TABLE, QUOTE, FIGURE, DL, SECTION, PARAGRAPH, DETAILS = (
    1 << i for i in range(SCOPES)
)
