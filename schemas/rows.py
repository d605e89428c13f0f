"""The document: a page as an ordered list of text and image nodes, in the page's own order."""

from __future__ import annotations

from typing import NamedTuple

TEXT, IMAGE = "text", "image"


class Node(NamedTuple):
    """One piece of a page. Nodes are never renumbered: a dropped one keeps its place and says why."""

    index: int  # type: ignore[override]  # position in the page as extracted, from 0
    kind: str  # TEXT or IMAGE
    role: str = "p"  # what the page called it: p, h1..h6, li, table, code, quote, caption, image, end (end of a document part)
    text: str = ""  # text nodes only
    url: str = ""  # image nodes only: absolute, http(s)
    alt: str = ""
    caption: str = ""  # the caption attached to the image, if the page has one
    width: int = 0  # as rendered (attributes, style, srcset descriptor) in CSS pixels; 0 = not stated
    height: int = 0
    image_id: str = ""  # schemas.ids.image_id(url)
    reason: str = ""  # first reason it was dropped for; "" = kept so far


class Document(NamedTuple):
    """One capture of one page."""

    doc_id: str  # schemas.ids.doc_id
    url: str  # WARC-Target-URI
    canonical_url: str
    domain: str  # registrable domain (public suffix + 1)
    crawl: str  # e.g. CC-MAIN-2024-22; "" = unknown
    warc_path: str
    warc_offset: int
    warc_length: int
    fetched_at: str  # WARC-Date, ISO 8601
    title: str
    language: str  # ISO 639-1 where there is one, else 639-3; "und" = undetermined
    language_score: float
    nodes: tuple[Node, ...]


class Dead(NamedTuple):
    """A record that could not be processed: enough to find it, understand it and replay it."""

    stage: str
    unit: str  # unit or bucket
    id: str  # doc_id, image_id or "" if none could be made
    url: str
    path: str  # WARC or blob file
    offset: int
    length: int
    kind: str  # exception class, or crash | timeout | memory | truncated ...
    message: str  # at most 500 characters
    trace: str  # short hash of the traceback, so that equal failures group


class OptOut(NamedTuple):
    """A reservation of rights found while processing, whether or not the configuration acts on it."""

    subject: str  # "page" | "image" | "host"
    id: str
    url: str
    signal: str  # meta-robots | x-robots-tag | tdm-reservation | content-usage | robots.txt | list:<name>
    value: str  # as found, at most 500 characters
    token: str  # the directive that reserves: noai, noimageai, noindex, ...
    acted: bool  # True if something was dropped for it
    seen_at: str  # when the evidence was captured (for a page: its capture time)
    evidence: str  # sha256 of the evidence bytes, or ""


def kept(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """The nodes not dropped so far, indices unchanged."""
    return tuple(n for n in nodes if not n.reason)
