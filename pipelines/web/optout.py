"""Reservations of rights that pages and images carry: what was said, where, and what it reserves.

| where | said as | meaning |
|---|---|---|
| HTML | `<meta name="robots" content="noai">`, also under our own agent's name | directives below |
| HTTP | `X-Robots-Tag: noai`, `X-Robots-Tag: weft: noindex` | directives below; one for another agent does not concern us |
| HTTP, HTML | `tdm-reservation: 1` (TDMRep, W3C community report) | text and data mining is reserved |
| HTTP | `Content-Usage: train-ai=n` (IETF AIPREF draft) | training is reserved |

Directives: `noai`, `noml` and `none` reserve everything, `noimageai` the images, `noindex` the page, `noimageindex` the images.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

PAGE_TOKENS = frozenset({"noai", "noml", "none", "noindex", "tdm-reservation", "train-ai=n", "train-genai=n", "ai=n", "all=n"})
IMAGE_TOKENS = frozenset({"noimageai", "noimageindex"}) | PAGE_TOKENS
_DIRECTIVES = frozenset({"noai", "noimageai", "noml", "none", "noindex", "noimageindex"})
AGENTS = frozenset({"weft", "weftbot"})  # names under which a page may speak to us
_HEADERS = frozenset({"x-robots-tag", "tdm-reservation", "content-usage"})
_SPLIT = re.compile(r"[,;]")
_USAGE = re.compile(r"\b(train-ai|train-genai|ai|all)\s*=\s*(n|no|\?0)\b", re.I)
MAX_VALUE = 4096  # characters of a header or attribute that are looked at


class Signal(NamedTuple):
    """One reservation found."""

    signal: str  # meta-robots | x-robots-tag | tdm-reservation | content-usage
    value: str  # as found
    token: str  # the directive that reserves

    @property
    def reserves_page(self) -> bool:
        """The page's text may not be taken."""
        return self.token in PAGE_TOKENS

    @property
    def reserves_images(self) -> bool:
        """Images (on this page, or this image) may not be taken."""
        return self.token in IMAGE_TOKENS

    @property
    def evidence(self) -> str:
        """sha256 of what was found."""
        return hashlib.sha256(f"{self.signal}: {self.value}".encode("utf-8", "replace")).hexdigest()


def page_signals(headers: Iterable[tuple[str, str]], meta: Iterable[tuple[str, str]]) -> list[Signal]:
    """The reservations of a page, from its HTTP headers and the (lower-cased name, content) pairs of its meta tags."""
    out = image_signals(headers)
    for name, content in meta:
        content = content[:MAX_VALUE]
        if name == "robots" or name in AGENTS:
            out += [Signal("meta-robots", content, t) for t in _directives(content)]
        elif name == "tdm-reservation" and content.strip() == "1":
            out.append(Signal("tdm-reservation", content, "tdm-reservation"))
    return list(dict.fromkeys(out))


def image_signals(headers: Iterable[tuple[str, str]]) -> list[Signal]:
    """The reservations that HTTP headers carry, of an image or of a page."""
    out: list[Signal] = []
    for name, value in headers:
        if (name := name.lower()) not in _HEADERS:
            continue
        value = value[:MAX_VALUE]
        if name == "x-robots-tag":
            out += [Signal("x-robots-tag", value, t) for t in _x_robots(value)]
        elif name == "tdm-reservation" and value.strip() == "1":
            out.append(Signal("tdm-reservation", value, "tdm-reservation"))
        elif name == "content-usage":
            out += [Signal("content-usage", value, f"{key.lower()}=n") for key, _ in _USAGE.findall(value)]
    return list(dict.fromkeys(out))


def _directives(text: str) -> list[str]:
    return [t for part in _SPLIT.split(text) if (t := part.strip().lower()) in _DIRECTIVES]


def _x_robots(value: str) -> list[str]:
    """Directives that concern us: `agent:` holds for the parts that follow it, up to the next agent."""
    out: list[str] = []
    ours = True
    for part in _SPLIT.split(value):
        agent, colon, rest = part.partition(":")
        if colon and agent.strip().lower() not in ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"):
            ours = agent.strip().lower() in AGENTS | {"*", "robots"}
            part = rest
        if ours:
            out += _directives(part)
    return out


def acting(signals: Sequence[Signal], tokens: frozenset[str]) -> Signal | None:
    """The first signal whose token is one that the configuration acts on."""
    return next((s for s in signals if s.token in tokens), None)
