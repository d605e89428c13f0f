"""Every paragraph rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from filters.text.view import TextView
from tests.filters.cases.items import NOTHING, REPEAT, A, B, Cases, p

CASES: Cases = {
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
}
