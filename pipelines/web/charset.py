"""Which characters the bytes of a page mean, by the HTML standard's order: byte-order mark, HTTP header, `<meta>`, detection.

One departure, because crawled headers lie more often than browsers can afford to assume: bytes that are valid UTF-8 and not
plain ASCII are UTF-8 whatever is declared (no other encoding yields that by accident). UTF-8 is passed on as it is, without
being decoded and encoded again.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache
from typing import NamedTuple

from pipelines.web import utf8

PRESCAN = 1024  # bytes searched for <meta charset>: the standard's number
_META = re.compile(rb"<meta[^>]{0,400}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_:.+-]{2,40})", re.IGNORECASE)
_XML = re.compile(rb"\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_:.-]{2,40})[\"']", re.IGNORECASE)
# resiliparse's names (Python codecs) that are not the codec to decode with: the standard's gbk, shift_jis ... are supersets
_CODECS = {"euc_kr": "cp949", "euc-kr": "cp949", "gbk": "gb18030", "gb2312": "gb18030", "shift_jis": "cp932", "big5": "big5hkscs"}
_EXTRA = {"x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic", "x-user-defined": "cp1252"}
_UTF16 = ("utf-16-le", "utf-16-be")


class Decoded(NamedTuple):
    html: bytes  # UTF-8
    encoding: str  # name of the Python codec meant by the Encoding standard, lower case
    source: str  # bom | header | meta | bytes | detected | default


def decode(body: bytes, header_charset: str = "") -> Decoded:
    """`body` as UTF-8 (ill-formed sequences become U+FFFD)."""
    if body.startswith(codecs.BOM_UTF8):
        return _decode(body[3:], "utf-8", "bom")
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decode(body[2:], _UTF16[0] if body[0] == 0xFF else _UTF16[1], "bom")
    declared, source = label(header_charset), "header"
    if not declared:
        declared, source = _meta(body[:PRESCAN]), "meta"
    if _plain_ascii(body, declared):
        return Decoded(body, declared or "utf-8", source if declared else "bytes")
    well_formed = _is_utf8(body)
    if well_formed and declared not in (*_UTF16, "iso-2022-jp", "iso2022_jp"):
        return Decoded(_whole(body), "utf-8", source if declared == "utf-8" else "bytes")
    if declared == "utf-8":
        if _few_errors(body):
            return _decode(body, "utf-8", source)
        declared = ""
    if declared in _UTF16 and (well_formed or body[:400].count(0) < 20):
        declared = ""
    if declared:
        return _decode(body, declared, source)
    found = detect(body)
    return _decode(body, found or "cp1252", "detected" if found else "default")


@lru_cache(maxsize=512)
def label(name: str) -> str:
    """The encoding that the Encoding standard means by a label (`latin1` -> `cp1252`), as a codec name; "" if it knows none."""
    if not name or (name := name.strip().lower()) in _EXTRA:
        return _EXTRA.get(name, "")
    from resiliparse.parse.encoding import map_encoding_to_html5

    try:
        found = (map_encoding_to_html5(name, False) or "").lower()
    except (ValueError, TypeError):
        return ""
    return found


def codec(name: str) -> str:
    """The codec that decodes the superset which the standard prescribes."""
    return _CODECS.get(name, name)


def detect(body: bytes) -> str:
    """The most likely encoding of bytes that declare none; "" if there is no guess."""
    from resiliparse.parse.encoding import detect_encoding

    return label(detect_encoding(body[:65536]) or "")


def _meta(start: bytes) -> str:
    m = _META.search(start) or _XML.match(start)
    name = label(m[1].decode("ascii")) if m else ""
    return "utf-8" if name.startswith("utf-16") else name  # a page that can say so in ASCII is not UTF-16 (the standard's rule)


def _plain_ascii(body: bytes, declared: str) -> bool:
    return body.isascii() and declared not in _UTF16 and b"\x1b" not in body


def _is_utf8(body: bytes) -> bool:
    if utf8.is_valid(body):
        return True
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as e:
        return e.reason == "unexpected end of data" and not body[: e.start].isascii()  # cut by the crawler's size limit
    return True


def _whole(body: bytes) -> bytes:
    """Without the character that a size limit cut in two."""
    try:
        body[-4:].decode("utf-8")
    except UnicodeDecodeError as e:
        if e.reason == "unexpected end of data":
            return body[: len(body) - (len(body[-4:]) - e.start)]
    return body


def _few_errors(body: bytes) -> bool:
    """Declared UTF-8 with a stray byte here and there, not another encoding under a wrong name."""
    text = body[: 1 << 18].decode("utf-8", "replace")
    bad, rest = text.count("�"), len(text) - len(text.encode("ascii", "ignore"))
    return bad <= 3 or bad * 5 < rest


def _decode(body: bytes, name: str, source: str) -> Decoded:
    if name == "utf-8":
        return Decoded(_whole(body) if _is_utf8(body) else body.decode("utf-8", "replace").encode(), name, source)
    try:
        text = body.decode(codec(name), "replace")
    except LookupError:
        text, name = body.decode("cp1252", "replace"), "cp1252"
    return Decoded(text.encode("utf-8", "replace"), name, source)
