"""The truth tables: one row per page and one per image occurrence of the main content and of the frame."""

from __future__ import annotations

from typing import Any

from demo.archive import Capture
from demo.articles import Content
from demo.pictures import OPT_OUT, OUTCOME, Picture, chrome, thumb
from demo.plan import SIGNALS, Web

PAGES = "pages.parquet"
IMAGES = "images.parquet"


def page_row(web: Web, c: Capture) -> dict[str, Any]:
    """What ought to be found out about a page."""
    p = c.page
    made = c.content or Content("", ())
    return {
        "page": p.index, "url": c.url, "fetched_at": c.date, "warc": c.warc, "offset": c.offset, "site": p.host, "role": p.role,
        "type": p.type if c.content else "", "language": p.language if c.content else "", "charset": p.charset,
        "status": c.response.status,
        # the pages that repeat one original, the original included, share its number
        "cluster": p.root if c.content else -1,
        "duplicate": {"near": "near", "mirror": "exact", "recrawl": "url"}.get(p.role, ""),
        "signal": p.signal, "reserves": SIGNALS.get(p.signal, False),
        "title": made.title, "text": made.text(),
        "images": [x.url for x in made.pictures()],
        "boilerplate": next((b.text for b in made.blocks if b.boilerplate), ""),
        "pii": [{"kind": k, "value": v} for k, v in made.pii],
        "expected": _expected(c),
    }  # fmt: skip


def _expected(c: Capture) -> str:
    """The verdict that a run for English pages ought to reach, in one word; `any` where the web does not say."""
    p = c.page
    if p.role in ("status", "moved"):
        return "drop:status"
    if p.role == "not_html":
        return "drop:not_html"
    if p.role == "empty":
        return "drop:empty"
    if p.role == "foreign":
        return "drop:language"
    if SIGNALS.get(p.signal, False):
        return "drop:opt_out"
    if p.type == "listing":
        return "drop:no_image"
    if p.role in ("near", "mirror", "recrawl"):
        return "cluster"  # one of the cluster stays
    return "keep"


def image_rows(web: Web, c: Capture) -> list[dict[str, Any]]:
    """What ought to be found out about each image of a page, in the order of the page's main content, then the frame's."""
    if c.content is None:
        return []
    rows, slot = [], 0
    for b in c.content.blocks:
        if b.picture is not None:
            rows.append(_image_row(c, slot, b.picture, b.text, b.alt))
            slot += 1
    around = [*chrome(c.page).values(), *(thumb(c.page, n) for n in range(3))]
    for p in around:
        rows.append(_image_row(c, slot, p, "", ""))
        slot += 1
    return rows


def _image_row(c: Capture, slot: int, p: Picture, caption: str, alt: str) -> dict[str, Any]:
    return {
        "page": c.page.index, "page_url": c.url, "fetched_at": c.date, "slot": slot, "url": p.url, "role": p.role, "main": p.main,
        "width": p.width, "height": p.height, "small": p.small, "wrong_caption": p.wrong, "behaviour": p.behaviour,
        "outcome": OUTCOME[p.behaviour], "opt_out": p.behaviour in OPT_OUT, "scene": p.scene.name if p.scene else "",
        "caption": caption, "alt": alt,
    }  # fmt: skip


def schemas() -> tuple[Any, Any]:
    """Arrow schemas of the two tables."""
    import pyarrow as pa

    s, i, b = pa.string(), pa.int32(), pa.bool_()
    pages = pa.schema([
        ("page", i), ("url", s), ("fetched_at", s), ("warc", s), ("offset", pa.int64()), ("site", s), ("role", s), ("type", s),
        ("language", s), ("charset", s), ("status", i), ("cluster", i), ("duplicate", s), ("signal", s), ("reserves", b), ("title", s),
        ("text", s), ("images", pa.list_(s)), ("boilerplate", s),
        ("pii", pa.list_(pa.struct([("kind", s), ("value", s)]))), ("expected", s),
    ])  # fmt: skip
    images = pa.schema([
        ("page", i), ("page_url", s), ("fetched_at", s), ("slot", i), ("url", s), ("role", s), ("main", b), ("width", i), ("height", i),
        ("small", b), ("wrong_caption", b), ("behaviour", s), ("outcome", s), ("opt_out", b), ("scene", s), ("caption", s), ("alt", s),
    ])  # fmt: skip
    return pages, images
