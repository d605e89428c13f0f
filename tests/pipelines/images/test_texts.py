from __future__ import annotations

from pipelines.images.texts import cut_windows, near_texts
from schemas.rows import Document, Node


def document(*nodes: Node) -> Document:
    numbered = tuple(n._replace(index=i) for i, n in enumerate(nodes))
    return Document("d", "u", "u", "x", "", "", 0, 0, "", "", "en", 1.0, numbered)


def text(words: str, **kw: object) -> Node:
    return Node(0, "text", text=words, **kw)  # type: ignore[arg-type]


IMAGE = Node(0, "image", role="image", url="http://x/1", alt="an alt text")


def found(d: Document, at: int, n: int = 1):
    return [(t.index, t.kind, t.windows) for t in near_texts(d, at, n, 1, 77)]


def test_alt_and_the_nearest_paragraphs_on_both_sides():
    d = document(text("far"), text("near before"), IMAGE, text("near after"), text("beyond"))
    assert found(d, 2) == [(2, "alt", ("an alt text",)), (1, "before", ("near before",)), (3, "after", ("near after",))]
    assert [k[0] for k in found(d, 2, 2)] == [2, 1, 0, 3, 4]


def test_dropped_paragraphs_are_passed_over_but_a_caption_counts():
    d = document(
        text("kept"),
        text("dropped", reason="x"),
        IMAGE,
        text("Two triangles.", role="caption", reason="paragraph.word_count.below"),
        text("on"),
    )
    assert [(i, k) for i, k, _ in found(d, 2)] == [(3, "caption"), (2, "alt"), (0, "before"), (4, "after")]


def test_a_caption_before_belongs_to_the_image_before_it():
    d = document(IMAGE, text("of the first", role="caption"), IMAGE, text("on"))
    assert (1, "caption", ("of the first",)) in found(d, 0)
    assert [(i, k) for i, k, _ in found(d, 2)] == [(2, "alt"), (1, "before"), (3, "after")]
    d = document(text("intro"), text("above", role="caption"), IMAGE)
    assert (1, "caption", ("above",)) in found(d, 2)


def test_parts_of_a_document_end_the_neighbourhood():
    d = document(text("other part"), text("", role="end"), IMAGE, text("", role="end"), text("other part"))
    assert found(d, 2) == [(2, "alt", ("an alt text",))]


def test_windows_hold_whole_sentences_nearest_first():
    sentences = [f"This is sentence number {i} of the paragraph." for i in range(12)]
    whole = " ".join(sentences)
    first = cut_windows(whole, 40, 2)
    assert first[0].startswith(sentences[0]) and first[0].endswith(".") and len(first) == 2
    last = cut_windows(whole, 40, 2, from_end=True)
    assert last[0].endswith(sentences[-1]) and last[0].startswith("This is")
    assert " ".join(cut_windows(whole, 40, 99)) == whole


def test_long_words_and_scripts_without_spaces_are_cut():
    assert all(len(w) <= 300 for w in cut_windows("x" * 100_000, 77, 3))
    assert len(cut_windows("これは長い文章です。" * 100, 20, 2)) == 2
    assert cut_windows(" \n ", 77, 2) == ()
    assert cut_windows("word " * 200_000, 77, 1)[0].startswith("word word")
