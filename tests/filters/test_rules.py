"""Every rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from filters.registry import build, rules
from filters.text.document import DocumentView
from filters.text.view import TextView
from schemas.rows import IMAGE, TEXT, Node


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

# rule: (settings, item, measures, failing sides)
CASES: dict[str, list[tuple[dict[str, Any], Any, dict[str, float], list[str]]]] = {
    "url.banned_words": [
        ({}, "https://essex.gov.uk/unisex/sextant", {"url_banned_words": 0}, []),
        ({}, "https://example.com/SEX/index.html", {"url_banned_words": 1}, [A]),
        ({}, "https://example.com/%73ex-and-porn", {"url_banned_words": 2}, [A]),
        ({"words": ["cat"], "max": 1}, "https://example.com/cats", {"url_banned_words": 1}, []),
        ({}, "", {"url_banned_words": 0}, []),
    ],
    "url.blocked_domains": [
        ({}, "https://bad.example/", NOTHING, []),
        ({"domains": ["bad.example"]}, "https://a.b.BAD.example:8080/x", {"url_blocked_domain": 1}, [A]),
        ({"domains": ["bad.example"]}, "https://notbad.example/", {"url_blocked_domain": 0}, []),
        ({"domains": ["bücher.example"]}, "https://xn--bcher-kva.example/", {"url_blocked_domain": 1}, [A]),
        ({"domains": ["bad.example"]}, "http://[broken/", {"url_blocked_domain": 0}, []),
    ],
    "paragraph.word_count": [
        ({}, p(""), {"paragraph_words": 0}, [B]),
        ({}, p("one two three four"), {"paragraph_words": 4}, []),
        ({}, p("one -- two, three !"), {"paragraph_words": 3}, [B]),
        ({"max": 4}, p("a b c d e"), {"paragraph_words": 5}, [A]),
        ({}, p("天気がいい", "ja"), {"paragraph_words": 5}, []),
        ({"per_language": {"jpn": {"min": 6}}}, p("天気がいい", "ja"), {"paragraph_words": 5}, [B]),
        ({"per_language": {"ja": {"min": False}}}, p("天気", "ja"), {"paragraph_words": 2}, []),
        ({}, p("\ud800 a\u200bb \ufeff"), {"paragraph_words": 1}, [B]),
    ],
    "paragraph.character_repetition": [
        ({}, p("abc"), {"paragraph_character_repetition": 0}, []),
        # 100 a's: one kind of 10-gram, 91 times; sqrt(1) = 1 kind is all of the mass
        ({}, p("a" * 100), {"paragraph_character_repetition": 1}, [A]),
        # period 4: 91 windows of 4 kinds, the 2 first of them 23 times each
        ({}, p("abcd" * 25), {"paragraph_character_repetition": 46 / 91}, [A]),
        ({"n": 2, "max": 1.0}, p("ababab"), {"paragraph_character_repetition": 3 / 5}, []),
    ],
    "paragraph.word_repetition": [
        ({}, p("too short"), {"paragraph_word_repetition": 0}, []),
        ({}, p(REPEAT), {"paragraph_word_repetition": 2 / 7}, [A]),
        ({"max": 2 / 7}, p(REPEAT), {"paragraph_word_repetition": 2 / 7}, []),
        ({}, p("One, TWO three four (five) six. one two three four 'five'"), {"paragraph_word_repetition": 2 / 7}, [A]),
    ],
    "paragraph.special_characters": [
        ({}, p(""), NOTHING, []),
        ({}, p("abc def!12"), {"paragraph_special_characters": 0.4}, [A]),
        ({"max": 0.4}, p("abc def!12"), {"paragraph_special_characters": 0.4}, []),
        ({}, p("été́\u0301"), {"paragraph_special_characters": 0}, []),
        ({}, p("☃😀ab"), {"paragraph_special_characters": 0.5}, [A]),
        ({}, p("नमस्ते"), {"paragraph_special_characters": 0}, []),
    ],
    "paragraph.stop_words": [
        ({}, p(""), NOTHING, []),
        ({}, p("the of and zyzzyva"), {"paragraph_stop_words": 0.75}, []),
        ({"min": 0.75}, p("the of and zyzzyva"), {"paragraph_stop_words": 0.75}, []),
        ({}, p("zyzzyva quokka axolotl the"), {"paragraph_stop_words": 0.25}, [B]),
        ({}, p("der die und zyzzyva", "de"), {"paragraph_stop_words": 0.75}, []),
        ({}, p("no list for this one", "tlh"), NOTHING, []),
    ],
    "paragraph.flagged_words": [
        ({}, p(""), NOTHING, []),
        ({}, p("porn and three words more"), {"paragraph_flagged_words": 0.2}, [A]),
        ({"max": 0.2}, p("porn and three words more"), {"paragraph_flagged_words": 0.2}, []),
        ({}, p("Essex is a county"), {"paragraph_flagged_words": 0}, []),
    ],
    "paragraph.punctuation": [
        ({}, p("no marks but few words"), NOTHING, []),
        ({}, p("a b c d e f g h i j k l"), {"paragraph_punctuation": 0}, [B]),
        ({}, p("a b c d e f g h i j k."), {"paragraph_punctuation": 1 / 12}, []),
        ({"min": 1 / 12}, p("a b c d e f g h i j k."), {"paragraph_punctuation": 1 / 12}, []),
        ({}, p("一二三四五六七八九十一。", "zh"), {"paragraph_punctuation": 1 / 12}, []),
    ],
    "paragraph.common_words": [
        ({}, p("the house stands xqzvwk"), {"paragraph_common_words": 0.75}, [B]),
        ({"min": 0.75}, p("the house stands xqzvwk"), {"paragraph_common_words": 0.75}, []),
        ({}, p("in 1999 the cat's well-known house"), {"paragraph_common_words": 1}, []),
        ({}, p("unlisted tongue", "tlh"), NOTHING, []),
    ],
    "paragraph.spam_words": [
        ({}, p("share tweet and pin"), {"paragraph_spam_words": 0.5}, [A]),
        ({"max": 0.5}, p("share tweet and pin"), {"paragraph_spam_words": 0.5}, []),
        ({}, p("Teilen und weitersagen bitte", "de"), {"paragraph_spam_words": 0.25}, [A]),
        ({}, p("no list here", "fi"), NOTHING, []),
    ],
    "paragraph.perplexity": [
        ({}, p("x"), NOTHING, []),
        ({}, p("x", perplexity=1500.0), {"paragraph_perplexity": 1500}, []),
        ({}, p("x", perplexity=1500.1), {"paragraph_perplexity": 1500.1}, [A]),
    ],
    "paragraph.language": [
        ({}, p("x"), NOTHING, []),
        ({}, p("x", language_score=1.0), NOTHING, []),
        ({}, TextView("x"), NOTHING, []),
    ],
    "paragraph.terminal_punctuation": [
        ({}, p("A sentence. "), {"paragraph_terminal": 1}, []),
        ({}, p("A heading"), {"paragraph_terminal": 0}, [B]),
        ({}, p("天気がいい。", "ja"), {"paragraph_terminal": 1}, []),
        ({}, p(""), {"paragraph_terminal": 0}, [B]),
    ],
    "paragraph.boilerplate_phrases": [
        ({}, p("Please enable JavaScript, see our Privacy Policy"), {"paragraph_boilerplate": 2}, [A]),
        ({}, p("plain"), {"paragraph_boilerplate": 0}, []),
    ],
    "paragraph.capitals": [
        ({}, p("ABCDEFGHI"), NOTHING, []),
        ({}, p("ABCDEfghij"), {"paragraph_capitals": 0.5}, []),
        ({}, p("ABCDEFghij"), {"paragraph_capitals": 0.6}, [A]),
        ({}, p("ΑΒΓΔΕΖηθικ", "el"), {"paragraph_capitals": 0.6}, [A]),
    ],
    "paragraph.digits": [
        ({}, p(""), NOTHING, []),
        ({}, p("ab12"), {"paragraph_digits": 0.5}, []),
        ({}, p("a123"), {"paragraph_digits": 0.75}, [A]),
        ({}, p("٣٤٥a"), {"paragraph_digits": 0.75}, [A]),
    ],
    "paragraph.counter": [
        ({}, p("3 likes"), {"paragraph_counter": 1}, [A]),
        ({}, p("12,400 Views"), {"paragraph_counter": 1}, [A]),
        ({}, p("He likes 3 dogs"), {"paragraph_counter": 0}, []),
        ({}, p(""), {"paragraph_counter": 0}, []),
    ],
    "image.rendered_size": [
        ({}, node(), NOTHING, []),
        ({}, node(width=150, height=20_000), {"image_rendered_min_side": 150, "image_rendered_max_side": 20_000}, []),
        ({}, node(width=149, height=20_001), {"image_rendered_min_side": 149, "image_rendered_max_side": 20_001}, [B, A]),
        ({}, node(width=88), {"image_rendered_min_side": 88, "image_rendered_max_side": 88}, [B]),
    ],
    "image.rendered_aspect_ratio": [
        ({}, node(width=100), NOTHING, []),
        ({}, node(width=100, height=200), {"image_rendered_aspect_ratio": 0.5}, []),
        ({}, node(width=100, height=201), {"image_rendered_aspect_ratio": 100 / 201}, [B]),
        ({}, node(width=201, height=100), {"image_rendered_aspect_ratio": 2.01}, [A]),
    ],
    "image.url_words": [
        ({}, node("https://x.org/img/SiteLogo2.png"), {"image_url_words": 1}, [A]),
        ({}, node("https://x.org/icons/button.png"), {"image_url_words": 2}, [A]),
        ({}, node("https://x.org/essex/silicon-lexicon.jpg"), {"image_url_words": 0}, []),
        ({"words": ["avatar"]}, node("https://x.org/my_avatar.jpg"), {"image_url_words": 1}, [A]),
    ],
    "image.url_format": [
        ({}, node("https://x.org/a.JPG?x=1.gif#y"), {"image_url_format": 1}, []),
        ({}, node("https://x.org/a.svg"), {"image_url_format": 0}, [B]),
        ({}, node("https://x.org/image.php?f=a.gif"), NOTHING, []),
        ({}, node("https://x.gif/"), NOTHING, []),
        ({"formats": ["svg"]}, node("https://x.org/a.svg"), {"image_url_format": 1}, []),
    ],
    "image.format": [
        ({}, image(), NOTHING, []),
        ({}, image(format="JPEG"), {"image_format_allowed": 1}, []),
        ({}, image(format="mpo"), {"image_format_allowed": 1}, []),
        ({}, image(format="gif"), {"image_format_allowed": 0}, [B]),
    ],
    "image.size": [
        ({}, image(), NOTHING, []),
        ({}, image(width=150, height=20_000), {"image_min_side": 150, "image_max_side": 20_000}, []),
        ({}, image(width=149, height=20_001), {"image_min_side": 149, "image_max_side": 20_001}, [B, A]),
    ],
    "image.aspect_ratio": [
        ({}, image(width=0, height=5), NOTHING, []),
        ({}, image(width=2, height=1), {"image_aspect_ratio": 2}, []),
        ({}, image(width=201, height=100), {"image_aspect_ratio": 2.01}, [A]),
        ({}, image(width=1, height=3), {"image_aspect_ratio": 1 / 3}, [B]),
    ],
    "image.file_size": [
        ({}, image(), NOTHING, []),
        ({}, image(bytes=5_000), {"image_file_size": 5_000}, []),
        ({"max": 10_000}, image(bytes=10_001), {"image_file_size": 10_001}, [A]),
        ({}, image(bytes=0), {"image_file_size": 0}, [B]),
    ],
    "image.frames": [
        ({}, image(frames=1), {"image_frames": 1}, []),
        ({}, image(frames=2), {"image_frames": 2}, [A]),
        ({}, image(), NOTHING, []),
    ],
    "image.entropy": [
        ({}, image(entropy=2.0), {"image_entropy": 2}, []),
        ({}, image(entropy=0.0), {"image_entropy": 0}, [B]),
        ({}, image(), NOTHING, []),
    ],
    "image.blankness": [
        ({}, image(blankness=0.95), {"image_blankness": 0.95}, []),
        ({}, image(blankness=1.0), {"image_blankness": 1}, [A]),
    ],
    "image.pdq_quality": [
        ({}, image(pdq_quality=50), {"image_pdq_quality": 50}, []),
        ({}, image(pdq_quality=0), {"image_pdq_quality": 0}, [B]),
    ],
    "image.nsfw": [
        ({}, image(), NOTHING, []),
        ({}, image(nsfw=0.85), {"image_nsfw": 0.85}, []),
        ({}, image(nsfw=0.9), {"image_nsfw": 0.9}, [A]),
    ],
    "image.watermark": [
        ({}, image(), NOTHING, []),
        ({}, image(watermark=0.8), {"image_watermark": 0.8}, []),
        ({}, image(watermark=1), {"image_watermark": 1}, [A]),
    ],
    "pair.similarity": [
        ({}, pair(), NOTHING, []),
        ({}, pair(similarity=0.15), {"pair_similarity": 0.15}, []),
        ({}, pair(similarity=-0.2), {"pair_similarity": -0.2}, [B]),
    ],
    "pair.margin": [
        ({}, pair(), NOTHING, []),
        ({}, pair(margin=0.0), {"pair_margin": 0}, []),
        ({}, pair(margin=-0.01), {"pair_margin": -0.01}, [B]),
    ],
    "document.image_count": [
        ({}, d(images=1), {"doc_images": 1}, []),
        ({}, d(images=0), {"doc_images": 0}, [B]),
        ({"max": 2}, d(images=3), {"doc_images": 3}, [A]),
    ],
    "document.images_left": [
        ({}, d(images=30), {"final_images": 30}, []),
        ({}, d(images=31), {"final_images": 31}, [A]),
        ({}, d(images=0), {"final_images": 0}, [B]),
    ],
    "document.text_left": [({}, d(TEN), {"final_words": 10}, []), ({}, d(), {"final_words": 0}, [B])],
    "document.word_count": [
        ({}, d(TEN), {"doc_words": 10}, []),
        ({}, d("one", "two"), {"doc_words": 2}, [B]),
        ({"max": 9}, d(TEN), {"doc_words": 10}, [A]),
    ],
    "document.character_repetition": [
        ({}, d("a" * 100), {"doc_character_repetition": 1}, [A]),
        ({}, d(), {"doc_character_repetition": 0}, []),
    ],
    "document.word_repetition": [
        ({}, d(REPEAT), {"doc_word_repetition": 2 / 7}, [A]),
        # n-grams reach over paragraphs of a document
        ({}, d("one two three four five six one", "two three four five"), {"doc_word_repetition": 2 / 7}, [A]),
    ],
    "document.special_characters": [({}, d("abc", "def"), {"doc_special_characters": 2 / 8}, []), ({}, d(), NOTHING, [])],
    "document.stop_words": [
        ({}, d("the of and", "zyzzyva"), {"doc_stop_words": 0.75}, []),
        ({}, d("zyzzyva quokka"), {"doc_stop_words": 0}, [B]),
    ],
    "document.flagged_words": [({}, d("porn one two", "three four"), {"doc_flagged_words": 0.2}, [A]), ({}, d(), NOTHING, [])],
    "document.punctuation": [
        ({}, d("a b c d e f", "g h i j k."), {"doc_punctuation": 1 / 12}, []),
        ({}, d(TEN, TEN), {"doc_punctuation": 0}, [B]),
    ],
    "document.common_words": [
        ({}, d("the house", "stands xqzvwk"), {"doc_common_words": 0.75}, [B]),
        ({}, d(TEN), {"doc_common_words": 1}, []),
    ],
    "document.spam_words": [({}, d("share tweet", "and pin"), {"doc_spam_words": 0.5}, [A]), ({}, d(TEN), {"doc_spam_words": 0}, [])],
    "document.perplexity": [({}, d(TEN), NOTHING, []), ({}, d(TEN, perplexity=2000.0), {"doc_perplexity": 2000}, [A])],
    "document.quality": [
        ({}, d(TEN), NOTHING, []),
        ({}, d(TEN, quality=0.018112), {"doc_quality": 0.018112}, []),
        ({}, d(TEN, quality=0.0), {"doc_quality": 0}, [B]),
    ],
    "document.language": [
        ({}, d(TEN, score=0.8), {"doc_language_score": 0.8}, []),
        ({}, d(TEN, score=0.79), {"doc_language_score": 0.79}, [B]),
        ({"languages": ["eng", "German"]}, d(TEN, language="de"), {"doc_language_score": 0.9}, []),
        ({"languages": ["eng"]}, d(TEN, language="de", score=0.0), {"doc_language_score": 0}, ["not_wanted", B]),
        ({"per_language": {"de": {"min": 0.5}}}, d(TEN, language="de", score=0.6), {"doc_language_score": 0.6}, []),
        ({}, d(TEN, score=None), NOTHING, []),
    ],
    "document.mean_word_length": [
        ({}, d("abc", "abcde"), {"doc_mean_word_length": 4}, []),
        ({}, d("a ab"), {"doc_mean_word_length": 1.5}, [B]),
        ({}, d("a" * 11), {"doc_mean_word_length": 11}, [A]),
        ({}, d("..."), NOTHING, []),
    ],
    "document.symbols": [
        ({}, d("#a b c d e f g h i j"), {"doc_hashes": 0.1, "doc_ellipses": 0}, []),
        ({}, d("#a #b c... d…"), {"doc_hashes": 0.5, "doc_ellipses": 0.5}, [A, A]),
        ({}, d("###"), NOTHING, []),
    ],
    "document.bullet_lines": [
        ({}, d("• a\n• b", "c d"), {"doc_bullet_lines": 2 / 3}, []),
        ({}, d("- a\n* b"), {"doc_bullet_lines": 1}, [A]),
        ({}, d("-5 degrees"), {"doc_bullet_lines": 0}, []),
        ({}, d(""), NOTHING, []),
    ],
    "document.ellipsis_lines": [
        ({}, d("a...\nb…", "c."), {"doc_ellipsis_lines": 2 / 3}, [A]),
        ({}, d("a.\nb."), {"doc_ellipsis_lines": 0}, []),
    ],
    "document.alphabetic_words": [
        ({}, d("a b c d 5"), {"doc_alphabetic_words": 0.8}, []),
        ({}, d("a 1 2"), {"doc_alphabetic_words": 1 / 3}, [B]),
        ({}, d("!!"), NOTHING, []),
    ],
    "document.required_words": [
        ({}, d("the cat and dog"), {"doc_required_words": 2}, []),
        ({}, d("cat the dog"), {"doc_required_words": 1}, [B]),
        ({}, d("die Katze", language="de"), NOTHING, []),
    ],
    "document.duplicate_lines": [
        ({}, d("ab\nab", "cd\nef"), {"doc_duplicate_lines": 0.25, "doc_duplicate_line_characters": 0.25}, [A]),
        ({}, d("a", "b"), {"doc_duplicate_lines": 0, "doc_duplicate_line_characters": 0}, []),
        ({}, d(), {"doc_duplicate_lines": 0, "doc_duplicate_line_characters": 0}, []),
        ({"max": 0.4, "max_characters": 0.5}, d("a", "a"), {"doc_duplicate_lines": 0.5, "doc_duplicate_line_characters": 0.5}, [A]),
    ],
    "document.duplicate_paragraphs": [
        ({}, d("ab", "ab", "cd", "cdef"), {"doc_duplicate_paragraphs": 0.25, "doc_duplicate_paragraph_characters": 0.2}, []),
        ({}, d("ab", "ab"), {"doc_duplicate_paragraphs": 0.5, "doc_duplicate_paragraph_characters": 0.5}, [A, A]),
    ],
    "document.top_ngrams": [
        # 8 characters of words in all; "ab" + "c" twice
        ({}, d("ab c ab c de"), {"doc_top_2gram": 0.75, "doc_top_3gram": 0, "doc_top_4gram": 0}, [A]),
        ({}, d("every word is new"), {"doc_top_2gram": 0, "doc_top_3gram": 0, "doc_top_4gram": 0}, []),
        ({}, d(), NOTHING, []),
    ],
    "document.duplicate_ngrams": [
        # a..e twice: ten of the eleven one-letter words lie in 5-grams that occur twice
        ({}, d("a b c d e x a b c d e"), {"doc_duplicate_5grams": 10 / 11} | {f"doc_duplicate_{n}grams": 0 for n in range(6, 11)}, [A]),
        # overlapping occurrences count once
        ({}, d("a a a a a a a a a a"), {f"doc_duplicate_{n}grams": 1 for n in range(5, 10)} | {"doc_duplicate_10grams": 0}, [A] * 5),
        ({}, d(), NOTHING, []),
    ],
    "document.lines_end_punctuation": [
        ({}, d("A.\nb", "c"), {"doc_lines_end_punctuation": 1 / 3}, []),
        ({}, d("a\nb"), {"doc_lines_end_punctuation": 0}, [B]),
        ({}, d(), NOTHING, []),
    ],
    "document.short_lines": [
        ({}, d("x" * 30, "y" * 31), {"doc_short_lines": 0.5}, []),
        ({}, d("x"), {"doc_short_lines": 1}, [A]),
        ({}, d(), NOTHING, []),
    ],
    "document.line_breaks": [
        ({}, d("a b c\nd"), {"doc_line_breaks": 0.25}, []),
        ({}, d("a", "b"), {"doc_line_breaks": 0.5}, [A]),
        ({}, d(), NOTHING, []),
    ],
    "document.placeholder_text": [
        ({}, d("Lorem Ipsum {x}"), {"doc_lorem_ipsum": 1, "doc_curly_brackets": 1}, [A, A]),
        ({}, d(TEN), {"doc_lorem_ipsum": 0, "doc_curly_brackets": 0}, []),
    ],
    "document.sentences": [
        ({}, d("One. Two! Three?"), {"doc_sentences": 3}, []),
        ({}, d("Costs 3.50 today", "Heading"), {"doc_sentences": 2}, [B]),
        ({}, d("一。二。三", language="zh"), {"doc_sentences": 3}, []),
        ({}, d(), {"doc_sentences": 0}, [B]),
    ],
}


@pytest.mark.parametrize(("name", "case"), [(n, i) for n in sorted(CASES) for i in range(len(CASES[n]))])
def test_rule(name: str, case: int) -> None:
    settings, item, measures, sides = CASES[name][case]
    rule = build(name, settings)
    got = rule.measure(item)
    assert got == pytest.approx(measures)
    assert set(got) <= set(rule.measures)
    language = getattr(item, "language", "")
    assert [x.reason for x in rule.limits() if x.fails(got, language)] == [f"{name}.{side}" for side in sides]


def test_every_rule_has_cases() -> None:
    assert sorted(CASES) == sorted(rules())


def test_paragraph_language_reads_the_score_that_the_model_left() -> None:
    view = p("x")
    view.scores = {"language": 0.79}
    rule = build("paragraph.language", {})
    assert rule.measure(view) == {"paragraph_language_score": 0.79}
    assert [x.reason for x in rule.limits() if x.fails(rule.measure(view))] == ["paragraph.language.below"]


HUGE = {
    "one word": "a" * 1_000_000,
    "many words": "word and more " * 71_000,
    "spaces": " " * 1_000_000,
    "marks": "." * 1_000_000,
    "surrogates": "\ud83d" * 1_000_000,
    "zero width": "\u200b" * 1_000_000,
    "han": "天" * 1_000_000,
    "lines": "x\n" * 500_000,
    "breaks": "\x00 " * 500_000,
}


@pytest.mark.parametrize("kind", sorted(HUGE))
def test_a_megabyte_of_anything_is_measured(kind: str) -> None:
    text = HUGE[kind]
    items: dict[str, Any] = {
        "paragraph": TextView(text),
        "document": DocumentView([Node(0, TEXT, text=text)], "en", language_score=0.5),
    }
    for name, rule in rules().items():
        if item := items.get(rule.unit):
            for measure, value in rule().measure(item).items():
                assert value >= 0 and value == value, (name, measure)
