"""Which texts an image is compared with: caption, alternative text, the paragraphs around it; cut to a model's context."""

from __future__ import annotations

from typing import NamedTuple

from schemas.rows import IMAGE, TEXT, Document, Node

CAPTION, ALT, BEFORE, AFTER = "caption", "alt", "before", "after"
END = "end"  # role of the mark between two parts of a document
BYTES_PER_TOKEN = 4  # of UTF-8, on average, for byte-pair vocabularies; CJK has about one token per character (3 bytes)


class NearText(NamedTuple):
    index: int  # node it stands in; the image's own for caption and alt
    kind: str
    windows: tuple[str, ...]


def near_texts(document: Document, at: int, neighbours: int, windows: int, context: int) -> list[NearText]:
    """The texts of the image node at position `at` of `document.nodes`: its caption and alt text, then up to `neighbours` kept
    paragraphs on each side, nearest first, not beyond the end of a document part. Empty texts are left out."""
    nodes = document.nodes
    image = nodes[at]
    found = [(image.index, CAPTION, image.caption), (image.index, ALT, image.alt)]
    found += [(n.index, BEFORE, n.text) for n in _walk(nodes[:at][::-1], neighbours)]
    found += [(n.index, AFTER, n.text) for n in _walk(nodes[at + 1 :], neighbours)]
    out = []
    for index, kind, text in found:
        cut = cut_windows(text, context, windows, from_end=kind == BEFORE)
        if cut:
            out.append(NearText(index, kind, cut))
    return out


def _walk(nodes: tuple[Node, ...], limit: int) -> list[Node]:
    out: list[Node] = []
    for n in nodes:
        if n.role == END or len(out) >= limit:
            break
        if n.kind == TEXT and not n.reason and n.text.strip():
            out.append(n)
    return out


def cut_windows(text: str, context: int, most: int, from_end: bool = False) -> tuple[str, ...]:
    """`text` in pieces that fit a context of so many tokens (two are taken by the marks), at most `most` of them, counted from its
    start or its end. The tokenizer cuts what the estimate lets through."""
    room = max(1, context - 2)
    out: list[str] = []
    piece: list[str] = []
    used = 0
    for word in _words(text, room, from_end):
        cost = -(-len(word.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN)
        if piece and used + cost > room:
            out.append(_join(piece, from_end))
            if len(out) >= most:
                return tuple(out)
            piece, used = [], 0
        piece.append(word)
        used += cost
    if piece:
        out.append(_join(piece, from_end))
    return tuple(out)


def _join(words: list[str], from_end: bool) -> str:
    return " ".join(words[::-1] if from_end else words)


def _words(text: str, room: int, from_end: bool) -> list[str]:
    """Words; one that would fill a window alone (scripts without spaces, long addresses) comes in pieces."""
    out: list[str] = []
    for word in text.split():
        if len(word) <= room:
            out.append(word)
        else:
            out += [word[i : i + room] for i in range(0, len(word), room)]
    return out[::-1] if from_end else out


def images_of(document: Document) -> list[int]:
    """Positions of the image nodes still in play."""
    return [i for i, n in enumerate(document.nodes) if n.kind == IMAGE and not n.reason]
