"""Text that a page holds twice is kept once; what is repeated along one path is the page's own text."""

from __future__ import annotations

import numpy as np

from pipelines.web.dom import repeats, words
from pipelines.web.page import extract


def kept(*blocks: tuple[str, int], gone: tuple[int, ...] = ()) -> list[bool]:
    """Which of the blocks (text, number of its path) stay; `gone` are not shown."""
    hashes = [words.of(text) for text, _ in blocks]
    first = np.cumsum([0, *map(len, hashes)]).astype(np.int32)
    word = np.concatenate([*hashes, np.zeros(0, np.uint64)])
    hidden = np.array([b in gone for b in range(len(blocks))], bool)
    return repeats.without(np.ones(len(blocks), bool), word, first, np.array([p for _, p in blocks], np.int32), hidden).tolist()


ONE = "the first paragraph of a page says what the page is about and no more than that"
TWO = "another paragraph follows which has nothing in common with the one that stands before it"


def test_a_copy_in_another_dress_goes():
    assert kept((ONE, 0), (TWO, 1), (ONE, 2)) == [True, True, False]


def test_a_copy_along_the_same_path_stays():
    assert kept((ONE, 0), (TWO, 1), (ONE, 0)) == [True, True, True]


def test_case_and_marks_make_no_other_text():
    assert kept((ONE, 0), (ONE.upper().replace(" about", ", about -"), 1)) == [True, False]


def test_several_paragraphs_in_one_block_are_found():
    assert kept((ONE, 0), (TWO, 0), (f"{ONE}. {TWO}.", 1)) == [True, True, False]


def test_a_paragraph_that_goes_on_stays():
    assert kept((ONE, 0), (f"{ONE} {TWO}", 1)) == [True, True]


def test_short_blocks_are_not_compared():
    seven = "seven words are too few to say"
    assert len(seven.split()) == repeats.LEAST - 1
    assert kept((seven, 0), (seven, 1)) == [True, True]
    assert kept((f"{seven} so", 0), (f"{seven} so", 1)) == [True, False]


def test_a_text_of_one_word_again_and_again():
    assert kept(("la " * 5000, 0), ("la " * 5000, 1), ("", 1)) == [True, False, True]


def test_nothing_to_keep():
    assert kept() == []
    keep = np.zeros(2, bool)
    assert not repeats.without(keep, words.of(ONE), np.array([0, 5, 16], np.int32), np.zeros(2, np.int32), keep).any()


def test_of_two_copies_the_one_that_is_shown_stays():
    assert kept((ONE, 0), (TWO, 0), (ONE, 0), gone=(0,)) == [False, True, True]
    assert kept((ONE, 0), (TWO, 0), gone=(0,)) == [True, True]


def test_what_is_not_shown_by_its_own_attributes():
    p = f"<p>{ONE}, and it goes on for a while so that it is a paragraph.</p>"
    for hidden in ("hidden", 'style="color: red; display:none"', 'style="visibility : hidden"'):
        html = f"<body><main><div {hidden}><div>{p}</div></div><h1>Title</h1>{p}<p>{TWO}, and it goes on too.</p></main></body>"
        nodes = extract(html, "https://a.example/").nodes
        assert [n.text.split()[0] for n in nodes if n.kind == "text"][:3] == ["Title", "the", "another"], hidden
