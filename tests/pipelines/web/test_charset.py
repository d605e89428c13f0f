from __future__ import annotations

import random

import pytest

from pipelines.web import utf8
from pipelines.web.charset import codec, decode, label

CYRILLIC = "<html><p>Привет, это обычный русский текст о погоде и о книгах." * 4
JAPANESE = "<html><p>これは日本語の普通の文章です。天気についての話。" * 4
GERMAN = "<html><p>Größere Bäume stehen schön am Flußufer. " * 4


@pytest.mark.parametrize(
    ("body", "header", "text", "source"),
    [
        (GERMAN.encode(), "", GERMAN, "bytes"),
        (GERMAN.encode(), "utf-8", GERMAN, "header"),
        (GERMAN.encode(), "iso-8859-1", GERMAN, "bytes"),  # valid UTF-8 is no accident
        (GERMAN.encode("latin-1"), "ISO-8859-1", GERMAN, "header"),
        (GERMAN.encode("cp1252"), "latin1", GERMAN, "header"),
        (b"\xef\xbb\xbf" + GERMAN.encode(), "iso-8859-1", GERMAN, "bom"),
        (b"\xff\xfe" + GERMAN.encode("utf-16-le"), "utf-8", GERMAN, "bom"),
        (b"\xfe\xff" + GERMAN.encode("utf-16-be"), "", GERMAN, "bom"),
        (GERMAN.encode("utf-16-le"), "utf-16", GERMAN, "header"),
        (JAPANESE.encode("shift_jis"), "x-sjis", JAPANESE, "header"),
        (JAPANESE.encode("euc-jp"), "EUC-JP", JAPANESE, "header"),
        (JAPANESE.encode("iso-2022-jp"), "iso-2022-jp", JAPANESE, "header"),
        (CYRILLIC.encode("cp1251"), "", CYRILLIC, "detected"),
        (CYRILLIC.encode("koi8-r"), "no-such-thing", CYRILLIC, "detected"),
        (CYRILLIC.encode("cp1251"), "utf-8", CYRILLIC, "detected"),  # declared, but not even nearly
        ("中文网页".encode("gb18030") * 9, "gb2312", "中文网页" * 9, "header"),
        (b"plain ascii", "iso-8859-1", "plain ascii", "header"),
        (b"", "", "", "bytes"),
    ],
)
def test_decoding(body, header, text, source):
    got = decode(body, header)
    assert (got.html.decode(), got.source) == (text, source)


def test_meta():
    page = '<html><head><meta charset="windows-1251">' + CYRILLIC
    got = decode(page.encode("cp1251"))
    assert got.html.decode() == page and got.source == "meta"
    page = '<meta http-equiv="Content-Type" content="text/html; charset=euc-kr"><p>한국어 문서'
    assert decode(page.encode("cp949")).html.decode() == page
    assert decode(page.encode("cp949"), "euc-kr").source == "header"
    far = b" " * 2000 + b'<meta charset="windows-1251">' + "é".encode("latin-1")
    assert decode(far).source != "meta"
    assert decode(b'<meta charset="utf-16"><p>caf\xc3\xa9').html.decode().endswith("café")
    assert decode('<?xml version="1.0" encoding="iso-8859-1"?><p>é'.encode("latin-1")).html.decode().endswith("é")


def test_stray_bytes_do_not_change_the_encoding():
    body = GERMAN.encode() + b"\xff" + GERMAN.encode()
    got = decode(body, "utf-8")
    assert got.encoding == "utf-8" and got.html.decode() == GERMAN + "�" + GERMAN


def test_a_page_cut_inside_a_character():
    assert decode(GERMAN.encode() + "ö".encode()[:1]).html.decode() == GERMAN


def test_utf8_is_passed_through_untouched():
    body = GERMAN.encode()
    assert decode(body, "utf-8").html is body


LABELS = ["utf-8", "latin1", "x-sjis", "gb2312", "big5", "euc-kr", "koi8-u", "x-mac-cyrillic", "iso-8859-8-i", "windows-874"]


@pytest.mark.parametrize("name", LABELS)
def test_labels_lead_to_codecs(name):
    import codecs

    assert codecs.lookup(codec(label(name)))


def test_labels():
    assert label("none") == label("") == label("\x00") == label("utf-7") == ""
    assert label("ISO-8859-1") == label("ascii") == "cp1252"


def test_random_bytes_give_utf8():
    rng = random.Random(2)
    labels = [*LABELS, "", "utf-16", "gbk", "iso-2022-jp", "hz-gb-2312", "x-user-defined", "iso-2022-kr", "macintosh"]
    for _ in range(2000):
        decode(rng.randbytes(rng.randrange(200)), rng.choice(labels)).html.decode("utf-8")


def test_utf8_is_told_as_a_strict_decoder_tells_it():
    """Every kind of lead and continuation byte, beside and across the words of eight bytes that are looked at together."""
    choose = random.Random(0)
    edges = bytes.fromhex("417f808f909fa0bfc0c1c2dfe0e1ecedeeeff0f1f4f5ff")
    for _ in range(20_000):
        odd = bytes(choose.choices(edges, k=choose.randrange(6)))
        body = (
            b"a" * choose.choice([0, choose.randrange(150)])
            + odd
            + "é€\U0001f600".encode() * choose.randrange(2)
            + b"b" * choose.randrange(90)
        )
        try:
            body.decode()
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert utf8.is_valid(body) == valid, body
