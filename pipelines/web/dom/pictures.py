"""Which images belong to the content: those that stand among kept blocks, less the furniture."""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

import numpy as np

from filters.compiled import compiled
from pipelines.web.dom import hints, image, scan, tags
from pipelines.web.dom.tree import Tree

_FURNITURE: Final = tuple(
    "logo icon sprite avatar badge button pixel tracking emoji smil beacon analytics spacer captcha doubleclick /ad/ /ads/".split()
)
_NAMED: Final = re.compile(r"(?<![a-z])(?:" + "|".join(w for w in _FURNITURE if w != "logo") + r")|logo")  # a silicon valley is no icon
_ADVERT: Final = re.compile(r"\bads?\b|advert|sponsor|promo|affiliate", re.I)
_ADVERTS: Final = ("ad", "sponsor", "promo", "affiliate")  # one of which stands in whatever _ADVERT finds
_ARTBOARD: Final = b"g-artboard"  # charts drawn once for every width of screen, their labels apart
_SIZES: Final = re.compile(r"[-_]?\d{2,4}x\d{2,4}")
_SMALL: Final = 50  # CSS pixels: below, an icon or a bullet
_THUMB: Final = 120  # with both sides below, a thumbnail, a face or a badge
_LARGE: Final = 200  # from here on a picture whatever its file is called
_LITTLE: Final = 200  # bytes of dropped text (a caption, a credit) that are looked past for the container that decides
_BYTES: Final = 200  # of the end of an address that are looked at
_ASIDE: Final = tags.NAV | tags.ASIDE | tags.FOOTER
_APART: Final = hints.BIT["related"] | hints.BIT["advert"] | hints.BIT["hidden"]
_POPUP: Final = hints.BIT["popup"]
_TOOLS: Final = hints.BIT["social"] | hints.BIT["about"]  # share buttons, faces beside a byline: said of the very container
_SHARE: Final = 0.5  # of the text of that container must be kept
_REACH: Final = 2  # blocks to either side one of which must be kept
_LEAD: Final = 8  # blocks above the first kept one, in which the page's own choice of image (og:image) may stand

_BEFORE, _IN_BOX, _IN_LINK = scan.BEFORE, scan.IN_BOX, scan.IN_LINK
_PARENT, _TAG, _HINT, _SCOPE, _START, _END = scan.PARENT, scan.TAG, scan.HINT, scan.SCOPE, scan.START, scan.END
_AT, _STOP = scan.AT, scan.STOP
_FIGURE: Final = tags.FIGURE
_FIGURE_TAG: Final = tags.NUMBER["figure"]
_NO, _YES, _IF_LEAD = 0, 1, 2


class Shown(NamedTuple):
    before: int  # the block it stands before
    url: str
    alt: str
    width: int
    height: int
    figure: int  # the <figure> it stands in, or -1


@compiled
def _places(pictures, boxes, blocks, keep, out, figure):  # type: ignore[no-untyped-def]
    """For each image whether it stands among what was kept: no, yes, only as the lead image; the <figure> it stands in, or -1."""
    n = len(keep)
    mass, total = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    first = -1
    for b in range(n):
        size = blocks[_STOP, b] - blocks[_AT, b]
        mass[b + 1], total[b + 1] = mass[b] + size * keep[b], total[b] + size
        if keep[b] and first < 0:
            first = b
    for i in range(len(out)):
        at, box = pictures[_BEFORE, i], pictures[_IN_BOX, i]
        out[i], figure[i] = _NO, -1
        if boxes[_SCOPE, box] & _FIGURE:
            c = box
            while c and boxes[_TAG, c] != _FIGURE_TAG:
                c = boxes[_PARENT, c]
            figure[i] = c
        if n == 0:
            out[i] = _YES
            continue
        scope = boxes[_SCOPE, box]
        if scope & _ASIDE or (boxes[_HINT, box] & _TOOLS and not scope & _FIGURE):
            continue
        names, c = 0, box
        for _ in range(4):
            names |= boxes[_HINT, c]
            c = boxes[_PARENT, c]
        if names & _APART or (names & _POPUP and not scope & _FIGURE):
            continue
        c = box
        while c and mass[boxes[_END, c]] == mass[boxes[_START, c]] and total[boxes[_END, c]] - total[boxes[_START, c]] < _LITTLE:
            c = boxes[_PARENT, c]
        s, e = boxes[_START, c], boxes[_END, c]
        near = False
        for b in range(max(0, at - _REACH), min(n, at + _REACH)):
            near = near or keep[b]
        if near and mass[e] - mass[s] >= _SHARE * (total[e] - total[s]):
            out[i] = _YES
        elif scope & _FIGURE and 0 <= first - at <= _LEAD and not pictures[_IN_LINK, i]:
            out[i] = _IF_LEAD


def choose(tree: Tree, keep: Any, base: str, lead: str) -> list[Shown]:
    """The content images in the page's order, one for each place: a <noscript> copy stands in only for an image that has no address.
    `lead` is the image that the page gives to those who link to it (og:image)."""
    out: list[Shown] = []
    count = tree.pictures.shape[1]
    places, figures = np.empty(count, np.int8), np.empty(count, np.int32)
    _places(tree.pictures, tree.boxes, tree.blocks, keep, places, figures)
    stand = np.nonzero(places)[0]
    if not len(stand):
        return out
    lead = _stem(lead)
    last, shown = -1, _NO
    done = -1
    rows = zip(
        stand.tolist(), places[stand].tolist(), figures[stand].tolist(), tree.pictures[_BEFORE, stand - 1].tolist(),
        tree.pictures[:, stand].T.tolist(), strict=True,
    )  # fmt: skip
    for i, place, figure, before_it, (before, _, at, stop, s_at, s_end, _, noscript) in rows:
        if i > done + 1:
            last, shown = before_it, _NO  # the image just above is not among what was kept
        done = i
        if noscript and last == before and shown == _NO:
            continue  # the same image again
        a = tree.attributes(at, stop)
        if "itemid" in a and "src" not in a:  # an element that stands for an image
            if "ImageObject" not in (a.get("itemtype") or ""):
                continue
            src = a["itemid"]
        else:
            src = image.source(a, [tree.attributes(*s) for s in tree.sources[:, s_at:s_end].T.tolist()])[0]
        w, h = image.size(a)
        if (src and _furniture(a, src, w, h)) or tree.html.find(_ARTBOARD, max(0, at - _LITTLE), stop) >= 0:
            last, shown = before, _NO
            continue
        url = image.absolute(base, src) if src else ""
        if place == _IF_LEAD and not (lead and _stem(url) == lead):
            last, shown = before, _NO
            continue
        if not url:
            continue
        if noscript and last == before and shown == _YES:
            out[-1] = out[-1]._replace(url=url)  # what a reader without scripts is shown instead of the preview just before it
            continue
        out.append(Shown(before, url, " ".join((a.get("alt") or "").split()), w, h, figure))
        last, shown = before, _YES
    return out


def _furniture(a: image.Attributes, src: str, w: int, h: int) -> bool:
    """True for icons, pixels, advertisements and the like."""
    if 0 < w < _SMALL or 0 < h < _SMALL or (0 < w < _THUMB and 0 < h < _THUMB):
        return True
    name = f"{a.get('class', '')} {a.get('id', '')}"
    if len(name) > 1 and (not name.isascii() or image.has_any(name.lower(), _ADVERTS)) and _ADVERT.search(name):
        return True
    if w >= _LARGE and h >= _LARGE:
        return False
    said = f"{src[-_BYTES:]} {name}".lower()
    return image.has_any(said, _FURNITURE) and bool(_NAMED.search(said))


def _stem(url: str) -> str:
    """The file name of an address, without the size that many sites write into it."""
    name = url.split("?")[0].split("#")[0].rstrip("/").rpartition("/")[2]
    return _SIZES.sub("", name).rpartition(".")[0].lower()
