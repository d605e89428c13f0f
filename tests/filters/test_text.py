"""Words in any script, n-grams, pages, documents: against plain definitions written as loops."""

from __future__ import annotations

from collections import Counter
from math import isqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.text import characters, ngrams
from filters.text import lexicon as lexicon_of
from filters.text.document import SEPARATOR, DocumentView
from filters.text.languages import normalise, script_of, table
from filters.text.page import Page
from filters.text.segment import distinct, words
from filters.text.urlwords import url_words
from filters.text.view import TextView
from schemas.rows import IMAGE, TEXT, Node


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello, World!", ["hello", "world"]),
        ("don\u2019t 'quote' (x)", ["don\u2019t", "quote", "x"]),
        ("-- ... !!!", []),
        ("3.14 24/7", ["3.14", "24/7"]),
        ("日本語です", ["日", "本", "語", "で", "す"]),
        ("が\u3099", ["が\u3099"]),
        ("AI研究", ["ai", "研", "究"]),
        ("วันนี้", ["วั", "น", "นี้"]),
        ("ខ្មែរ", ["ខ្", "មែ", "រ"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("안녕 세계", ["안녕", "세계"]),
        ("مرحبا، عالم", ["مرحبا", "عالم"]),
        ("\ud800abc\udfff", ["abc"]),
        ("x\u200b", ["x"]),
        ("\u0301abc", ["abc"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert TextView(text).words == expected
    assert TextView(text).n_words == len(expected)
    assert TextView(text).n_word_characters == sum(map(len, expected))


_SCRIPTS = st.one_of(
    st.sampled_from(
        "aZ \t\n\x1f\x85\u00a0\u2028.,'’-\u0301\u0130ΣσαİıßẞÀ１½²①٣\u200b\x00天がカ゛\u3099วันนี้ខ្មែར\U0001e900\U00020000\U000e0101🙂\ud800"
    ),
    st.characters(),
)


@settings(max_examples=400)
@given(texts=st.lists(st.text(_SCRIPTS, max_size=25), min_size=1, max_size=4))
def test_compiled_words_are_those_of_the_plain_definition(texts: list[str]) -> None:
    page = Page(texts, "en")
    plain = [words(t.replace("\0", " ")) for t in texts]
    assert page.word_facts.tolist() == page.lexicon.facts([w for ws in plain for w in ws])
    assert page.n_words.tolist() == [len(ws) for ws in plain]
    assert page.word_characters.tolist() == [sum(map(len, ws)) for ws in plain]
    for flag in (characters.SPECIAL, characters.PUNCTUATION, characters.UPPER, characters.DIGIT, characters.LETTER):
        table = characters.table()
        assert page.characters_with(flag).tolist() == [sum(bool(table[ord(c)] & flag) for c in t) for t in texts]


def test_a_lexicon_that_is_full_forgets_and_learns_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon_of, "REMEMBERED", 20_000)
    known = lexicon_of.Lexicon("en")
    keys = [k | 1 for k in range(2**40, 2**40 + 60_000, 2)]
    facts = [known.learn([k], [f"w{k}"]) for k in keys]
    assert known.used <= 20_001 and 2 * known.used <= len(known.known) <= 1 << 16
    assert [known.learn([k], [f"w{k}"]) for k in keys] == facts
    assert known.learn(keys, [f"w{k}" for k in keys]) == [f for fs in facts for f in fs]


ids = st.lists(st.integers(0, 3), max_size=40)


@given(texts=st.lists(st.text(_SCRIPTS, max_size=12), max_size=6))
def test_distinct_words_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    assert distinct(texts) == {w for t in texts for w in words(t)}


@settings(max_examples=200)
@given(groups=st.lists(ids, min_size=1, max_size=5), n=st.integers(1, 10))
def test_ngram_shares_match_their_definition(groups: list[list[int]], n: int) -> None:
    starts = np.concatenate(([0], np.cumsum([len(g) for g in groups])))
    flat = np.array([x for g in groups for x in g], np.int64)
    repeated, top = ngrams.repeated_share(flat, starts, n), ngrams.top_share(flat, starts, n)
    for i, g in enumerate(groups):
        counts = sorted(Counter(tuple(g[j : j + n]) for j in range(len(g) - n + 1)).values(), reverse=True)
        total = sum(counts) or 1
        many = [c for c in counts if c > 1]
        assert repeated[i] == pytest.approx(sum(many) / total)
        assert top[i] == pytest.approx(sum(counts[: min(isqrt(len(counts)), len(many))]) / total)


@settings(max_examples=100)
@given(tokens=st.lists(st.sampled_from(["a", "bb", "ccc"]), max_size=30), n=st.integers(2, 6))
def test_gopher_shares_match_their_definition(tokens: list[str], n: int) -> None:
    view = DocumentView([Node(0, TEXT, text=" ".join(tokens))], "en")
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    counts, characters = Counter(grams), sum(map(len, tokens))
    most = max(counts.values(), default=0)
    top = 0.0
    if most > 1:
        first = next(g for g in grams if counts[g] == most)
        top = sum(map(len, first)) * most / characters
    inside = {i + k for i, g in enumerate(grams) if counts[g] > 1 for k in range(n)}
    assert view.top_ngram_share(n) == pytest.approx(top)
    assert view.duplicate_ngram_share(n) == pytest.approx(sum(len(tokens[i]) for i in inside) / characters if characters else 0)


@settings(max_examples=100)
@given(
    texts=st.lists(st.text(st.sampled_from("ab .,é天\u200b\n"), max_size=30), min_size=1, max_size=6),
    dropped=st.sets(st.integers(0, 5)),
)
def test_a_document_over_paragraph_views_equals_one_without(texts: list[str], dropped: set[int]) -> None:
    nodes = [Node(i, TEXT, text=t, reason="x" if i in dropped else "") for i, t in enumerate(texts)]
    nodes.insert(1, Node(99, IMAGE, url="https://x.org/a.png"))
    nodes.append(Node(100, IMAGE, url="https://x.org/b.png", reason="image.x"))
    shared = DocumentView(nodes, "en", paragraphs=TextView.page(texts, "en"))
    alone = DocumentView(nodes, "en")
    assert shared.text == SEPARATOR.join(t for i, t in enumerate(texts) if i not in dropped)
    for what in ("n_words", "n_word_characters", "n_chars", "n_special", "n_punctuation", "n_texts", "n_images", "words"):
        assert getattr(shared, what) == getattr(alone, what), what
    for what in ("stop", "common", "alphabetic"):
        assert shared.n_words_that_are(what) == alone.n_words_that_are(what)
    assert shared.word_repetition(2) == alone.word_repetition(2)
    assert shared.n_images == 1


def test_document_wants_a_view_per_text_node() -> None:
    with pytest.raises(ValueError, match="one per text node"):
        DocumentView([Node(0, TEXT, text="a")], "en", paragraphs=TextView.page(["a", "b"]))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("eng", "en"), ("EN-gb", "en"), ("en", "en"), ("English", "en"), ("ger", "de"), ("deu", "de"), ("zh_Hant", "zh"),
        ("__label__fr", "fr"), ("eng_Latn", "en"), ("nb", "no"), ("cmn", "zh"), ("iw", "he"), ("xx-none", "und"), ("", "und"),
    ],
)  # fmt: skip
def test_language_codes(given_: str, expected: str) -> None:
    assert normalise(given_) == expected


def test_language_table_is_consistent() -> None:
    rows = table()
    assert len(rows) >= 176 and len({r.iso639_3 for r in rows.values()}) == len(rows)
    assert all(normalise(r.iso639_3) == normalise(r.name) == code for code, r in rows.items())
    assert script_of("japanese") == "Jpan" and script_of("zz") == "Zyyy"


def test_url_words() -> None:
    assert url_words("https://a.org/SiteLogo2_x%2Dy.png") == ["https", "a", "org", "site", "logo", "x", "y", "png"]
    assert url_words("https://x/%ff%zz") == ["https", "x", "zz"]
