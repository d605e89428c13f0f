"""What the cases are written in: short names for the items that rules measure."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from filters.text.document import DocumentView
from filters.text.view import TextView
from schemas.rows import IMAGE, TEXT, Node

Cases = dict[str, list[tuple[dict[str, Any], Any, dict[str, float], list[str]]]]  # rule: (settings, item, measures, failing sides)


def p(text: str, language: str = "en", **scores: float) -> TextView:
    view = TextView(text, language)
    view.scores = scores
    return view


def d(*texts: str, images: int = 1, language: str = "en", score: float | None = 0.9, **scores: float) -> DocumentView:
    nodes = [Node(i, TEXT, text=t) for i, t in enumerate(texts)]
    nodes += [Node(len(texts) + i, IMAGE, url=f"https://x.org/{i}.jpg") for i in range(images)]
    view = DocumentView(nodes, language, language_score=score)
    view.scores = scores
    return view


def node(url: str = "https://x.org/a.jpg", width: int = 0, height: int = 0) -> Node:
    return Node(0, IMAGE, url=url, width=width, height=height)


def image(**facts: Any) -> SimpleNamespace:
    blank = dict.fromkeys("format width height bytes frames entropy blankness pdq_quality nsfw watermark".split())
    return SimpleNamespace(**blank | facts)


def pair(similarity: float | None = None, margin: float | None = None) -> SimpleNamespace:
    return SimpleNamespace(similarity=similarity, margin=margin)


A, B = "above", "below"
NOTHING: dict[str, float] = {}
TEN = "the cat sat on the mat and it was warm"  # ten words, 38 characters
REPEAT = "one two three four five six one two three four five"  # 11 words: 7 five-grams, 2 of them equal
