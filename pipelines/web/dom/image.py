"""Which picture an <img> shows: lazy loading, srcset, <picture>, sizes as rendered."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin

Attributes = dict[str, str]

_SPACE: Final = re.compile(r"[\t\n\r\f ]+")
_CANDIDATE: Final = re.compile(r"([^\s,](?:\S*[^\s,])?)(?:\s+([^,\s]+))?")  # an address (which may hold commas) and its descriptor
_EXTENSION: Final = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|bmp|tiff?|jfif|svg)(?:[?#:!/]|$)", re.I)
_STAND_IN: Final = re.compile(
    r"(?:^|[/_\-.])(?:blank|spacer|transparent|placeholder|pixel|empty|1x1|lazy(?:-?load(?:er|ing)?)?|loading|loader|dummy|clear|trans|grey|gray|default-?image)"
    r"[\w\-]{0,12}\.(?:gif|png|jpe?g|svg|webp)",
    re.I,
)
_BLANKS: Final = tuple("blank spacer trans placeholder pixel empty 1x1 lazy loadi loade dummy clear grey gray default".split())
_FILE: Final = 100  # characters of the end of an address that name the file
_LAZY: Final = (
    "data-src", "data-original", "data-lazy-src", "data-lazy", "data-lazyload", "data-original-src", "data-orig-file", "data-large-file",
    "data-image", "data-image-src", "data-img-src", "data-url", "data-hi-res-src", "data-full-src", "data-actualsrc", "data-echo",
    "data-src-large", "data-src-medium", "data-srcs", "data-pin-media", "data-gt-lazy-src", "data-lateloadsrc", "data-scroll-image",
    "data-src-fg", "data-defer-src", "data-delayed-url", "data-img-url", "data-medium-file", "data-mediumthumb",
    "src2", "lazy-src", "load-src",
)  # fmt: skip
_LAZY_SETS: Final = ("data-srcset", "data-lazy-srcset", "data-original-set", "data-bgset", "lazy-srcset")
_STYLE: Final = re.compile(r"(?:^|;|\s)(width|height)\s*:\s*(\d{1,5})(?:\.\d+)?px", re.I)
_NUMBER: Final = re.compile(r"\s*(\d{1,5})(?:\.\d+)?\s*(?:px)?\s*$")
_PLAIN: Final = re.compile(r"https?://[\w.\-]+/[\w./\-%~+,;:@!$*()=&?]+(?<![?/.])$", re.A)  # an address that needs no joining
_ROOTED: Final = re.compile(r"/(?!/)[\w./\-%~+,:@!$*()=&?]+(?<![?/.])$", re.A)  # a path of one site that needs the site only
MAX_URL: Final = 4096


def is_stand_in(src: str) -> bool:
    """`src` is a blank that a script replaces: no address, or a spacer by name."""
    if is_nothing(src):
        return True
    end = src[-_FILE:].lower()
    return (end[-6:-5] == "/" and end.endswith(".gif")) or (has_any(end, _BLANKS) and bool(_STAND_IN.search(end)))


def has_any(text: str, words: tuple[str, ...]) -> bool:
    """One of `words` stands in `text`. A plain loop: half the time of `any` over a generator, and of an expression of alternatives."""
    for word in words:  # noqa: SIM110
        if word in text:
            return True
    return False


def is_nothing(src: str) -> bool:
    """`src` is no address of a picture file: empty, a data: URL, about:blank, a template's variable."""
    return not src or src[:5].lower() in ("data:", "about", "javas", "blob:") or src[0] in "#{[" or "{{" in src


def widest(srcset: str) -> tuple[str, int]:
    """The widest candidate of a srcset, and its width in pixels (0 = given by density or not at all)."""
    best, found, width = -1.0, "", 0
    for m in _CANDIDATE.finditer(srcset[:32768]):
        url, descriptor = m[1], m[2] or ""
        try:
            value = float(descriptor[:-1]) if descriptor else 1.0
        except ValueError:
            continue
        if value > best and not is_nothing(url):
            best, found, width = value, url, int(min(value, 99999)) if descriptor.endswith("w") else 0
    return found, width


def source(a: Attributes, sources: list[Attributes]) -> tuple[str, bool]:
    """The address as written, and whether it was given for a script to load: `src` unless it is a stand-in, then what lazy loaders
    read, then srcset, then the <picture>'s sources, then any data- attribute that names an image file."""
    src = (a.get("src") or "").strip()
    if not is_stand_in(src):
        return src, False
    for name in _LAZY:
        if name in a and (value := a[name].strip()) and not is_nothing(value) and " " not in value:
            return value, True
    for name in ("srcset", *_LAZY_SETS):
        if value := a.get(name):
            if found := widest(value)[0]:
                return found, name != "srcset"
    for s in reversed(sources):
        for name in ("srcset", *_LAZY_SETS, "src", *_LAZY[:3]):
            if (value := s.get(name)) and (found := widest(value)[0]):
                return found, True
    for name, value in a.items():
        if value and name.startswith("data-") and " " not in value.strip() and _EXTENSION.search(value) and not is_nothing(value.strip()):
            return value.strip(), True
    return "", False


def absolute(base: str, src: str) -> str:
    """The http(s) URL of `src` against `base` as RFC 3986 joins them; '' if there is none or it is no web address."""
    if _PLAIN.match(src) and len(src) <= MAX_URL:
        return src
    if _ROOTED.match(src) and len(src) <= MAX_URL and "/." not in src and (origin := _origin(base)):
        return origin + src
    src = _SPACE.sub("" if "\n" in src or "\t" in src else "%20", src.strip())
    if len(src) > MAX_URL:
        return ""
    try:
        url = urljoin(base, src)
    except ValueError:
        return ""
    scheme = next((s for s in ("http://", "https://") if url[: len(s)].lower() == s and len(url) > len(s)), "")
    return scheme + url[len(scheme) :] if scheme else ""


@lru_cache(maxsize=64)
def _origin(base: str) -> str:
    """Scheme and host of a web address, '' of anything that is none: pages ask for the same one over and over."""
    found = urljoin(base, "/x")
    return found[:-2] if found.startswith(("http://", "https://")) and len(found) > len("https:///x") else ""


def _pixels(value: str | None) -> int:
    if not value:
        return 0
    if len(value) <= 5 and value.isascii() and value.isdigit():
        return int(value)
    return int(m[1]) if (m := _NUMBER.match(value)) else 0


def size(a: Attributes) -> tuple[int, int]:
    """Width and height as rendered, in CSS pixels: attributes, then style; 0 = not stated."""
    w, h = _pixels(a.get("width")), _pixels(a.get("height"))
    if (not w or not h) and (style := a.get("style")) and "px" in style.lower():
        for name, value in _STYLE.findall(style):
            if name.lower() == "width":
                w = w or int(value)
            else:
                h = h or int(value)
    return w, h
