"""Which images belong to the content: those that stand among kept blocks, less the furniture."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import numpy as np

from pipelines.web.dom import image, tags
from pipelines.web.dom.hints import BIT, bits
from pipelines.web.dom.walk import Tree

_FURNITURE: Final = BIT["social"] | BIT["advert"] | BIT["navigation"] | BIT["popup"] | BIT["related"]
_NAME: Final = re.compile(r"logo|icon|sprite|avatar|gravatar|badge|button|pixel|tracking|emoji|smil|beacon|analytics|spacer|captcha|doubleclick|/ads?/", re.I)
_SMALL: Final = 50  # CSS pixels


class Shown(NamedTuple):
    before: int  # the block it stands before
    url: str
    alt: str
    width: int
    height: int
    figure: int  # the <figure> it stands in, or -1


def choose(tree: Tree, chance: Any, keep: Any, base: str) -> list[Shown]:
    """The content images in the page's order, one for each place: a <noscript> copy stands in only for an image that has no address."""
    if not tree.pictures:
        return []
    n = len(tree.text)
    mass = np.concatenate((np.zeros(1), np.cumsum(np.array([len(s) for s in tree.text], np.float64) * keep)))
    size = np.concatenate((np.zeros(1), np.cumsum(np.array([len(s) for s in tree.text], np.float64))))
    out: list[Shown] = []
    pending = seen = ""
    for before, box, a, sources, linked, noscript in tree.pictures:
        b = box
        while b and tree.end[b] <= tree.start[b]:
            b = tree.parent[b]
        s, e = tree.start[b], tree.end[b]
        inside = (mass[e] - mass[s]) / max(1.0, size[e] - size[s])
        around = bool(before > 0 and keep[min(before, n) - 1]) + bool(before < n and keep[before])
        if n and (inside < 0.4 or not around):
            continue
        w, h = image.size(a)
        if (0 < w < _SMALL) or (0 < h < _SMALL):
            continue
        src, _ = image.source(a, sources)
        if not src or _NAME.search(src[-200:]) or _NAME.search(a.get("class") or ""):
            continue
        if bits(a.get("class") or "") & BIT["advert"]:
            continue
        url = image.absolute(base, src)
        if not url or (noscript and url == seen):
            continue
        seen = url
        figure = -1
        if tree.scope[box] & tags.FIGURE:
            figure = box
            while figure and tree.tag[figure] != tags.NUMBER["figure"]:
                figure = tree.parent[figure]
        out.append(Shown(before, url, " ".join((a.get("alt") or "").split()), w, h, figure))
    del pending
    return out
