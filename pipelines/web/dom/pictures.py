"""Which images belong to the content: those that stand among kept blocks, less the furniture."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any, Final, NamedTuple

from pipelines.web.dom import image, scan, tags
from pipelines.web.dom.hints import BIT, bits
from pipelines.web.dom.tree import Tree

_NAME: Final = re.compile(
    r"logo|icon|sprite|avatar|gravatar|badge|button|pixel|tracking|emoji|smil|beacon|analytics|spacer|captcha|doubleclick|/ads?/", re.I
)
_SMALL: Final = 50  # CSS pixels: below, an icon or a bullet
_LARGE: Final = 100  # from here on a picture whatever its file is called
_LITTLE: Final = 200  # characters of dropped text (a caption, a credit) that are looked past for the container that decides
_ASIDE: Final = tags.NAV | tags.ASIDE | tags.FOOTER
_APART: Final = BIT["related"] | BIT["advert"] | BIT["popup"] | BIT["hidden"]
_TOOLS: Final = BIT["social"] | BIT["about"]  # share buttons, faces beside a byline: said of the very container
_SHARE: Final = 0.5  # of the text of that container must be kept
_REACH: Final = 2  # blocks to either side one of which must be kept


class Shown(NamedTuple):
    before: int  # the block it stands before
    url: str
    alt: str
    width: int
    height: int
    figure: int  # the <figure> it stands in, or -1


def choose(tree: Tree, keep: Any, base: str) -> list[Shown]:
    """The content images in the page's order, one for each place: a <noscript> copy stands in only for an image that has no address."""
    if not tree.pictures.shape[1]:
        return []
    n = tree.n
    lengths = (tree.blocks[scan.STOP] - tree.blocks[scan.AT]).tolist()
    size = [0, *accumulate(lengths)]
    keep = keep.tolist()
    mass = [0, *accumulate(s if k else 0 for s, k in zip(lengths, keep, strict=True))]
    out: list[Shown] = []
    last = shown = -1  # place of the image before; whether it was shown (1), not (0)
    for before, box, at, stop, s_at, s_end, _, noscript in tree.pictures.T.tolist():
        if noscript and last == before and shown == 0:
            continue  # the same image again
        if n and (_aside(tree, box) or not _among(tree, mass, size, keep, before, box)):
            last, shown = before, 0
            continue
        a = tree.attributes(at, stop)
        sources = [tree.attributes(*x) for x in tree.sources[:, s_at:s_end].T.tolist()]
        src, _ = image.source(a, sources)
        w, h = image.size(a)
        if src and _furniture(a, src, w, h):
            last, shown = before, 0
            continue
        url = image.absolute(base, src) if src else ""
        if not url:
            continue
        if noscript and last == before and shown == 1:
            out[-1] = out[-1]._replace(url=url)  # what a reader without scripts is shown instead of the preview just before it
            continue
        out.append(Shown(before, url, " ".join((a.get("alt") or "").split()), w, h, _figure(tree, box)))
        last, shown = before, 1
    return out


def _aside(tree: Tree, box: int) -> bool:
    """True in what a page itself calls hidden, related, advertising, a byline or an aside."""
    if tree.scope[box] & _ASIDE:
        return True
    if tree.hint[box] & _TOOLS and not tree.scope[box] & tags.FIGURE:
        return True
    names = 0
    for _ in range(4):
        names |= tree.hint[box]
        box = tree.parent[box]
    return bool(names & _APART)


def _among(tree: Tree, mass: Any, size: Any, keep: Any, before: int, box: int) -> bool:
    """True if most of the text of the smallest container around the image that has some is kept, and so is a block beside it."""
    b = box
    while b and (mass[tree.end[b]] == mass[tree.start[b]] and size[tree.end[b]] - size[tree.start[b]] < _LITTLE):
        b = tree.parent[b]
    s, e = tree.start[b], tree.end[b]
    if mass[e] - mass[s] < _SHARE * (size[e] - size[s]):
        return False
    return any(keep[max(0, before - _REACH) : before + _REACH])


def _furniture(a: image.Attributes, src: str, w: int, h: int) -> bool:
    """True for icons, pixels, advertisements and the like."""
    if 0 < w < _SMALL or 0 < h < _SMALL:
        return True
    name = f"{a.get('class') or ''} {a.get('id') or ''}"
    if bits(name) & BIT["advert"]:
        return True
    return not (w >= _LARGE and h >= _LARGE) and bool(_NAME.search(src[-200:]) or _NAME.search(name))


def _figure(tree: Tree, box: int) -> int:
    if not tree.scope[box] & tags.FIGURE:
        return -1
    while box and tree.tag[box] != tags.NUMBER["figure"]:
        box = tree.parent[box]
    return box
