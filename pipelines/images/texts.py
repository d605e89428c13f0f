"""Which texts an image is compared with: caption, alternative text, the paragraphs around it; cut to a model's context.

A caption beside the image (role `caption`) counts even where a rule dropped it as a paragraph to train on ("Two brown triangles." is
too short a paragraph and a good caption).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from schemas.rows import IMAGE, TEXT, Document, Node

CAPTION, ALT, BEFORE, AFTER = "caption", "alt", "before", "after"
END = "end"  # role of the mark between two parts of a document
BYTES_PER_TOKEN = 4  # of UTF-8, on average, for byte-pair vocabularies; CJK has about one token per character (3 bytes)
_SENTENCE = re.compile(
    r".+?(?:[.!?\u2026\u061f\u06d4]+[\"'\u201d\u2019\u00bb)\]]*(?=\s|$)|[\u3002\uff01\uff1f\u0964\u0965]+|\n|\Z)", re.DOTALL
)


class NearText(NamedTuple):
    index: int  # node it stands in; the image's own for its caption attribute and alt text
    kind: str
    windows: tuple[str, ...]


def near_texts(document: Document, at: int, neighbours: int, windows: int, context: int) -> list[NearText]:
    """The texts of the image node at position `at` of `document.nodes`: its caption and alt text, then up to `neighbours` kept
    paragraphs on each side, nearest first, not beyond the end of a document part. Empty texts are left out."""
    nodes = document.nodes
    image = nodes[at]
    captions = _captions(nodes, at)
    found = [(image.index, CAPTION, image.caption), *((n.index, CAPTION, n.text) for n in captions), (image.index, ALT, image.alt)]
    taken = {n.index for n in captions}
    found += [(n.index, BEFORE, n.text) for n in _walk(nodes[:at][::-1], neighbours, taken)]
    found += [(n.index, AFTER, n.text) for n in _walk(nodes[at + 1 :], neighbours, taken)]
    out = []
    for index, kind, text in found:
        cut = cut_windows(text, context, windows, from_end=kind == BEFORE)
        if cut:
            out.append(NearText(index, kind, cut))
    return out


def _captions(nodes: tuple[Node, ...], at: int) -> list[Node]:
    """The caption that follows the image; else the one before it, unless that belongs to an image of its own."""
    if at + 1 < len(nodes) and nodes[at + 1].role == CAPTION:
        return [nodes[at + 1]]
    if at > 0 and nodes[at - 1].role == CAPTION and (at == 1 or nodes[at - 2].kind != IMAGE):
        return [nodes[at - 1]]
    return []


def _walk(nodes: tuple[Node, ...], limit: int, taken: set[int]) -> list[Node]:
    out: list[Node] = []
    for n in nodes:
        if n.role == END or len(out) >= limit:
            break
        if n.kind == TEXT and not n.reason and n.index not in taken and n.text.strip():
            out.append(n)
    return out


def cut_windows(text: str, context: int, most: int, from_end: bool = False) -> tuple[str, ...]:
    """`text` in pieces that fit a context of so many tokens (two are taken by the marks): whole sentences where they fit, at most
    `most` pieces counted from its start or its end. The tokenizer cuts what the estimate lets through."""
    room = max(1, context - 2)
    reach = (most + 1) * room * 2 * BYTES_PER_TOKEN  # characters that the windows can need; what lies beyond is not looked at
    text = text[-reach:] if from_end else text[:reach]
    out: list[str] = []
    piece: list[str] = []
    used = 0
    parts = [p for s in _SENTENCE.findall(text) for p in _fitting(s, room)]
    for part in reversed(parts) if from_end else parts:
        cost = _cost(part)
        if piece and used + cost > room:
            out.append(" ".join(piece[::-1] if from_end else piece))
            if len(out) >= most:
                return tuple(out)
            piece, used = [], 0
        piece.append(part)
        used += cost
    if piece:
        out.append(" ".join(piece[::-1] if from_end else piece))
    return tuple(out)


def _cost(text: str) -> int:
    return sum(-(-len(w.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN) for w in text.split())


def _fitting(sentence: str, room: int) -> Iterator[str]:
    """The sentence, or if it is too long its words in groups that fit; a word longer than `room` characters in slices."""
    words = sentence.split()
    if words and _cost(sentence) <= room:
        yield " ".join(words)
        return
    group: list[str] = []
    used = 0
    for word in (w[i : i + room] for w in words for i in range(0, len(w), room)):
        cost = _cost(word)
        if group and used + cost > room:
            yield " ".join(group)
            group, used = [], 0
        group.append(word)
        used += cost
    if group:
        yield " ".join(group)


def images_of(document: Document) -> list[int]:
    """Positions of the image nodes still in play."""
    return [i for i, n in enumerate(document.nodes) if n.kind == IMAGE and not n.reason]
