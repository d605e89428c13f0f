"""Every document rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from tests.filters.cases.items import NOTHING, REPEAT, TEN, A, B, Cases, d

CASES: Cases = {
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
