"""PII masking: forms, look-alikes, positions in the original, and time that grows with the text only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import pii as labelled
from pipelines.web.pii import TOKENS, find, iban_valid, luhn_valid, mask, mask_all

E, P4 = TOKENS["email"], TOKENS["ip"]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to John.Doe@Example.COM, or (jane_doe+x@mail.example.co.uk).", f"Write to {E}, or ({E})."),
        ("ＪＯＨＮ＠ＥＸＡＭＰＬＥ．ＣＯＭ！", f"{E}！"),
        ("a&#64;b&#46;com x", f"{E} x"),
        ("&#106;&#111;&#101;&#64;b.com, rest", f"{E}, rest"),
        ("jo\u200be@b\u200b.com rest", f"{E} rest"),
        ("name [at] host [dot] com", E),
        ("john dot doe at example dot org now", f"{E} now"),
        ("josé@españa.es 用户@例子.中国", f"{E} {E}"),
        ("x.y@host.com.", f"{E}."),
        ("from 192.168.1.20 to 8.8.8.8.", f"from {P4} to {P4}."),
        ("2001:0db8:85a3::8a2e:0370:7334 and FE80::1%eth0", f"{P4} and {P4}%eth0"),
        ("contact:2001:350::7b3:1f46, 联系：2001:4B00::2018:FFC8。", f"contact:{P4}, 联系：{P4}。"),
        ("DE89 3704 0044 0532 0130 00 und gb82west12345698765432", "<IBAN> und <IBAN>"),
        ("4111 1111 1111 1111 or 378282246310005", "<CARD> or <CARD>"),
        ("Tel.: 030 1234567, +49 (0)30 123 456 78, (415) 555-2671", "Tel.: <PHONE>, <PHONE>, <PHONE>"),
        ("fish &amp; chips &lt;3 at a@b.co", f"fish &amp; chips &lt;3 at {E}"),
    ],
)
def test_masks(text: str, masked: str) -> None:
    assert mask(text)[0] == masked


@pytest.mark.parametrize(
    "text",
    [
        "", "plain words only",
        "icon@2x.png and react@1.2.3", "meet me at example.com", "version 1.2.3.4 of v10.0.0.1", "12:30:45 and std::dec",
        "DE89 3704 0044 0532 0130 01", "4111 1111 1111 1112", "2024-01-02 10:00 for 1,000,000.00", "300.1.2.3 and 1.2.3.4.5",
        "arrived at noon dot on time", "@handle @@ a@ @b", "\ud800\udc00 \ufeff",
    ],
)  # fmt: skip
def test_leaves_alone(text: str) -> None:
    assert mask(text) == (text, {})


_PIECES = st.one_of(
    st.sampled_from(
        "a@b.com|name [at] host [dot] com|x at y dot org|(\u00e4t)|1.2.3.4|1\u200b2|FE80::1|::|DE89 3704 0044 0532 0130 00|4111 1111 1111 1111|+49 30 1234567"
        "|Tel.: 030 1234567|(415) 555-2671|&#64;|&commat;|%40|\uff20|\uff1a\uff1a|\uff08\uff41\uff54\uff09|\u0663\u0664| |\n|\u00a0|at|[|(|.|com|\u00ad"
        "|x at y { punto } it|x at y <.> it|( arroba )|(dot)|+1 (415) 555-2671|phone number: |\u0442\u0435\u043b|\u96fb\u8a71|fax nr. |12|345|6789|-|/|\u2013|+|)|]|a|f|:".split(
            "|"
        )
    ),
    st.text(max_size=4),
)


@settings(max_examples=400)
@given(st.lists(st.lists(_PIECES, max_size=6).map("".join), min_size=1, max_size=4))
def test_many_texts_at_once_are_masked_as_one_by_one(texts: list[str]) -> None:
    alone = [mask(t) for t in texts]
    together, counts = mask_all(texts)
    assert together == [m for m, _ in alone]
    assert counts == {k: n for k in TOKENS if (n := sum(c.get(k, 0) for _, c in alone))}


def test_the_labelled_set_is_masked_alike_at_once() -> None:
    texts = [s.text for s in labelled.samples(0)]
    assert mask_all(texts)[0] == [mask(t)[0] for t in texts]


def test_counts_by_kind() -> None:
    assert mask("a@b.com c@d.org 1.2.3.4")[1] == {"email": 2, "ip": 1}


def test_masking_again_changes_nothing() -> None:
    once, _ = mask("a@b.com, 1.2.3.4, +49 30 12345678, 4111111111111111")
    assert mask(once) == (once, {})


@settings(max_examples=300)
@given(st.text(st.sampled_from("a1@. :&#;64[]atdo\u200b＠－+()\ud800 "), max_size=80))
def test_spans_lie_in_the_text_in_order(text: str) -> None:
    at = 0
    for start, end, kind in find(text):
        assert at <= start < end <= len(text) and kind in TOKENS
        at = end


def test_labelled_set() -> None:
    scores = {s.kind: s for s in labelled.score(seed=7, n=300)}
    assert set(scores) == set(TOKENS)
    for kind in ("email", "ip"):
        assert scores[kind].recall >= 0.98, scores[kind]
        assert scores[kind].precision >= 0.95, scores[kind]
    assert all(s.recall >= 0.95 and s.precision >= 0.9 for s in scores.values()), scores


def test_check_digits() -> None:
    assert iban_valid("GB82WEST12345698765432") and not iban_valid("GB82WEST12345698765433")
    assert luhn_valid("79927398713") and not luhn_valid("79927398710")


MEGABYTE = {
    "a": "a" * 1_000_000, "at": "@" * 1_000_000, "a at": "a@" * 500_000, "dots": "a." * 500_000, "at dots": "a@a." * 250_000,
    "words": " at a dot" * 111_000, "brackets": "[at]" * 250_000,
    "open": "[" * 1_000_000, "digits": "1" * 1_000_000, "spaced": "1 " * 500_000,
    "bytes": "1.1.1." * 166_000, "colons": ":" * 1_000_000, "hex": "a:" * 500_000, "iban": "DE89 " * 200_000, "plus": "+1" * 500_000,
    "entities": "&#64;" * 200_000, "amps": "&#" * 500_000, "invisible": "\u200b1" * 500_000, "blanks": " " * 1_000_000,
    "tel": "tel 1 " * 166_000, "emails": "a@b.com " * 125_000, "dashes": "1-" * 500_000, "parens": "(1" * 500_000,
}  # fmt: skip


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", sorted(MEGABYTE))
def test_a_hostile_megabyte_ends(kind: str) -> None:
    text = MEGABYTE[kind]
    masked, counts = mask(text)
    assert bool(counts) == (masked != text)
